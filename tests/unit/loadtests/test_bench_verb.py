import subprocess
import sys
from pkgutil import resolve_name

from loadtests.__main__ import BENCHMARKS


def bench(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", "loadtests", *arguments], capture_output=True, text=True, check=False)


def test_an_unknown_benchmark_is_told_the_known_ones() -> None:
    done = bench("speed")
    assert done.returncode == 2
    known = "servers, peers, rates, overload, hostile, memory, swaps, soak, clients, gpu, loadgen, compare"
    assert done.stderr == f"penstock bench: no benchmark 'speed'; there are: {known}\n"


def test_help_without_a_benchmark_names_the_rows_and_the_others() -> None:
    done = bench("--help")
    assert done.returncode == 0
    for told in ("--only", "one-connection", "overload"):
        assert told in done.stdout


def test_every_benchmark_is_where_its_name_says() -> None:
    assert all(callable(resolve_name(place)) for place in BENCHMARKS.values())
