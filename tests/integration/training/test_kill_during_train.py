"""`kill -9` while a job fits, exports and publishes: a version is whole or not there, and nothing is left behind."""

import signal
from pathlib import Path

import pytest

from serving.contract.model_directory import STAGING_PREFIX
from serving.model_store.verify import verify_model
from serving.model_store.versions import list_versions
from tests.preloaded import start_preloaded
from tests.processes import trained

DYING = Path(__file__).with_name("dying_train.py")
POINTS = {
    "fitting": ("", ""),
    "the manifest is written": ("os.rename", "/assets.extra/manifest.json"),
    "the number is taken": ("os.rename", "/highest_version"),
    "about to appear": ("os.rename", "/1"),
    "appeared, not yet on record": ("open", "/audit.jsonl"),
}
"""Where it is killed: the Python audit event, and how the path it is about ends."""
EXPORTED = ("open", "/assets.extra/job.json")

QUICK = ("digits", "--set", "fit.epochs=1")
"""One epoch: what matters here is where the kill falls."""


def train_and_die(models: Path, event: str, ending: str) -> int:
    """Start a job that kills itself at the event; a fitting one is killed at its first word of progress."""
    with start_preloaded([DYING, event, ending, str(models), *QUICK]) as process:
        assert process.stderr
        for line in process.stderr:
            if not event and line.startswith("epoch"):
                process.send_signal(signal.SIGKILL)
        return process.wait(120)


@pytest.mark.parametrize("point", POINTS)
def test_kill_leaves_the_old_state_or_the_new_one(tmp_path: Path, point: str) -> None:
    event, ending = POINTS[point]
    assert train_and_die(tmp_path, event, ending) == -signal.SIGKILL
    assert list_versions(tmp_path, "digits") == ((1,) if "appeared" in point else ())
    assert verify_model(tmp_path, "digits") == ()


def test_next_run_clears_away_what_a_killed_one_left(tmp_path: Path) -> None:
    assert train_and_die(tmp_path, *EXPORTED) == -signal.SIGKILL
    assert list_versions(tmp_path, "digits") == ()
    assert verify_model(tmp_path, "digits") == ()
    assert [entry.name for entry in (tmp_path / "digits").iterdir() if entry.name.startswith(STAGING_PREFIX)]
    trained(*QUICK, "--models", str(tmp_path))
    assert not [entry.name for entry in (tmp_path / "digits").iterdir() if entry.name.startswith(STAGING_PREFIX)]
    assert list_versions(tmp_path, "digits") == (1,)
