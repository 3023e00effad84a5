"""The verb `bench`: which benchmark (or `compare`), and its own arguments handed on. Each says more with --help."""

import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from loadtests.bench.clients import clients
from loadtests.bench.gpu import gpu
from loadtests.bench.hostile import hostile
from loadtests.bench.loadgen import loadgen
from loadtests.bench.memory import memory
from loadtests.bench.overload import overload
from loadtests.bench.rates import rates
from loadtests.bench.servers import peers, servers
from loadtests.bench.soak import soak
from loadtests.bench.swaps import swaps
from loadtests.compare_verb import compare_files

BENCHMARKS: Mapping[str, Callable[[Sequence[str]], int]] = MappingProxyType(
    {
        "servers": servers,
        "peers": peers,
        "rates": rates,
        "overload": overload,
        "hostile": hostile,
        "memory": memory,
        "swaps": swaps,
        "soak": soak,
        "clients": clients,
        "gpu": gpu,
        "loadgen": loadgen,
        "compare": compare_files,
    }
)
WRONG_USE, TERMINATED = 2, 143
"""Exit codes; the latter is that of what SIGTERM ended, as a shell tells it."""


def bench(argv: Sequence[str]) -> int:
    """Runs one benchmark to its end, `servers` when none is named. Raises BenchError for what cannot be measured."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # so that the servers are ended too
    if not argv or argv[0].startswith("-"):
        return servers(argv)
    if argv[0] not in BENCHMARKS:
        print(f"penstock bench: no benchmark {argv[0]!r}; there are: {', '.join(BENCHMARKS)}", file=sys.stderr)
        return WRONG_USE
    return BENCHMARKS[argv[0]](argv[1:])


if __name__ == "__main__":
    sys.exit(bench(sys.argv[1:]))
