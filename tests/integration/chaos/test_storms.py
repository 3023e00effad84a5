"""Storms of faults under an open-loop load: every request ends exactly once, none wrong, and the gateway recovers by
itself.

PENSTOCK_TEST_HELD_SECONDS is how long a fault lasts, PENSTOCK_TEST_STORMS how often each comes, PENSTOCK_TEST_SEED what
they are drawn from, PENSTOCK_TEST_CHAOS_OUT a folder for the report, PENSTOCK_TEST_QUIET=1 says that the machine does
nothing else, so that nobody may be refused who is not touched by a fault (`make chaos` sets them).
"""

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from tests.conftest import absent
from tests.integration.chaos.asking import asked
from tests.integration.chaos.faults.clocks import clock_library
from tests.integration.chaos.report import Storm, show, write_facts
from tests.integration.chaos.stages import Raise, alone, behind, bounded
from tests.integration.chaos.storm import BOUND_TIMES, schedule, storm
from tests.integration.chaos.timeline import draw_timeline

HELD_SECONDS = float(os.environ.get("PENSTOCK_TEST_HELD_SECONDS", "0.4"))
STORMS = int(os.environ.get("PENSTOCK_TEST_STORMS", "1"))
SEED = int(os.environ.get("PENSTOCK_TEST_SEED", "1"))
IS_QUIET = os.environ.get("PENSTOCK_TEST_QUIET") == "1"
OUT = os.environ.get("PENSTOCK_TEST_CHAOS_OUT")
RATE_PER_SECOND = 100.0
CHANGES = round(20 * HELD_SECONDS)
"""Of a publishing storm, which has no length of its own."""


@pytest.fixture(scope="module")
def storms() -> Iterator[list[Storm]]:
    """All that there were; told at the end, where somebody asked for it."""
    found: list[Storm] = []
    yield found
    if OUT and found:
        folder = Path(OUT)
        folder.mkdir(parents=True, exist_ok=True)
        write_facts(found, folder / "report.json")
        draw_timeline(found, folder / "timeline.png")


@pytest.mark.parametrize("raised", [behind, alone, bounded])
def test_no_fault_gets_a_wrong_answer_or_none_and_all_is_well_after_it(
    raised: Raise, doubles: Path, tmp_path: Path, storms: list[Storm], capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(doubles, tmp_path / "models")
    chance = random.Random(SEED)
    with raised(tmp_path, chance, CHANGES) as stage:
        order = schedule(stage.faults, STORMS, chance)
        with asked(stage.gateway, RATE_PER_SECOND, SEED) as asking:
            windows = storm(asking, order, HELD_SECONDS)
        stage.before_stop()
        assert stage.gateway.stop() == 0
    storms.append(Storm(stage.name, SEED, HELD_SECONDS, RATE_PER_SECOND, asking.account, windows))
    with capsys.disabled():
        show(storms[-1:], Console(width=130))
    assert list(storms[-1].broken_promises(BOUND_TIMES, is_quiet=IS_QUIET)) == []
    assert len(windows) == len(order)


def test_clocks_could_be_moved() -> None:
    if clock_library() is None:
        absent("needs libfaketime (Debian package libfaketime): without it no storm moves a clock")
