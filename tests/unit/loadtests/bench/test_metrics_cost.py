"""The instrument, not the figure: both sides answer, and only one of them counts."""

import asyncio
from pathlib import Path

from loadtests.bench.metrics_cost import TOGETHER, NothingCounted, cpu_seconds, endpoint_with, measured
from serving.observability.metrics import RequestMetrics


def answers_counted(metrics: RequestMetrics, folder: Path) -> int:
    async def ask() -> None:
        await cpu_seconds(await endpoint_with(metrics, folder), 3 * TOGETHER)

    asyncio.run(ask())
    return metrics.served("doubles", "1").answers


def test_one_side_counts_every_request_and_the_other_none(tmp_path: Path) -> None:
    assert answers_counted(RequestMetrics(), tmp_path) == 3 * TOGETHER
    assert answers_counted(NothingCounted(), tmp_path) == 0


def test_each_round_has_a_figure_of_both() -> None:
    counting, silent = asyncio.run(measured(rounds=2, requests=2 * TOGETHER))
    assert len(counting) == len(silent) == 2
    assert min(*counting, *silent) > 0
