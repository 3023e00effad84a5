"""The verb `bench`: which benchmark (or `compare`), and its own arguments handed on. Each says more with --help."""

import signal
import sys
from collections.abc import Mapping, Sequence
from pkgutil import resolve_name
from types import MappingProxyType

BENCHMARKS: Mapping[str, str] = MappingProxyType(
    {
        "servers": "loadtests.bench.servers:servers",
        "peers": "loadtests.bench.servers:peers",
        "rates": "loadtests.bench.rates:rates",
        "overload": "loadtests.bench.overload:overload",
        "hostile": "loadtests.bench.hostile:hostile",
        "memory": "loadtests.bench.memory:memory",
        "swaps": "loadtests.bench.swaps:swaps",
        "soak": "loadtests.bench.soak:soak",
        "clients": "loadtests.bench.clients:clients",
        "gpu": "loadtests.bench.gpu:gpu",
        "loadgen": "loadtests.bench.loadgen:loadgen",
        "compare": "loadtests.compare_verb:compare_files",
    }
)
"""The function of each, imported when it is asked for: all of them bring a second's worth of libraries."""
DEFAULT = "servers"
WRONG_USE, TERMINATED = 2, 143
"""Exit codes; the latter is that of what SIGTERM ended, as a shell tells it."""


def bench(argv: Sequence[str]) -> int:
    """Runs one benchmark to its end, `servers` when none is named. Raises BenchError for what cannot be measured."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # so that the servers are ended too
    name, *arguments = argv if argv and not argv[0].startswith("-") else [DEFAULT, *argv]
    if name not in BENCHMARKS:
        print(f"penstock bench: no benchmark {name!r}; there are: {', '.join(BENCHMARKS)}", file=sys.stderr)
        return WRONG_USE
    exit_code: int = resolve_name(BENCHMARKS[name])(arguments)
    return exit_code


if __name__ == "__main__":
    sys.exit(bench(sys.argv[1:]))
