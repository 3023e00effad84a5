"""What `penstock bench clients` makes of its rounds; the rounds themselves are run in the integration tests."""

import asyncio
import json

import pytest

from loadtests.bench.client_calls import CallCost, measure_async, measure_sync
from loadtests.bench.clients import Found, ManyRound, clients, report_of
from loadtests.bench.errors import BenchError


def found(overhead_ms: float, many_rows_per_second: float, import_ms: float) -> Found:
    cost = CallCost(bare_ms=1.0, client_ms=1.0 + overhead_ms, bare_cpu_ms=0.5, client_cpu_ms=0.75)
    return Found({"Client, REST": [cost] * 3}, [ManyRound(100_000, many_rows_per_second)] * 3, [import_ms] * 3)


@pytest.mark.parametrize(
    ("rounds", "reached"),
    [(found(0.2, 61_000, 149), ["yes", "yes", "yes"]), (found(0.3, 59_000, 151), ["no", "no", "no"])],
)
def test_each_figure_is_held_to_its_aim(rounds: Found, reached: list[str]) -> None:
    report = report_of(rounds, "method", {})
    cells = [line.split("|")[-2].strip() for table in report.tables for line in table.splitlines()[2:]]
    assert [cell for cell in cells if cell] == reached
    kept = json.loads(report.json())
    assert kept["many"][0]["gateway_rows_per_second"] == 100_000
    assert len(kept["calls"]["Client, REST"]) == len(kept["import_ms"]) == 3


def test_bare_calls_and_the_clients_take_turns() -> None:
    order: list[str] = []
    measure_sync(lambda: order.append("bare"), lambda: order.append("client"), 100)
    assert order == [*["bare"] * 50, *["client"] * 50] * 2

    async def ask(name: str) -> None:
        order.append(name)

    order.clear()
    asyncio.run(measure_async(lambda: ask("bare"), lambda: ask("client"), 10))
    assert order == [*["bare"] * 10, *["client"] * 10]


@pytest.mark.parametrize("arguments", [["--rounds", "0"], ["--calls", "0"], ["--rows", "0"], ["--seconds", "0"]])
def test_nothing_to_measure_is_refused(arguments: list[str]) -> None:
    with pytest.raises(BenchError, match="above 0"):
        clients(arguments)
