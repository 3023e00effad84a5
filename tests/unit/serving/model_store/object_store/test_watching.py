import json
import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from serving.model_store.object_store.mirror import Mirror, MirroredModel
from serving.model_store.object_store.push import push_version
from serving.model_store.object_store.store import ObjectStore
from serving.model_store.object_store.watching import Health, is_healthy, summary, watch
from serving.model_store.versions import list_versions

NOON = datetime(2030, 1, 2, 12, tzinfo=UTC)


class Unhurried(threading.Event):
    """Whoever waits for it does not wait."""

    def wait(self, timeout: float | None = None) -> bool:
        return timeout is not None and self.is_set()


def test_health_is_good_for_a_while_after_the_last_good_pass(tmp_path: Path) -> None:
    now = [NOON]
    health = Health(tmp_path / "health.json", "s3://models", 30.0, lambda: now[0])
    health.write({"digits": MirroredModel((1, 2), {"stable": 1}, {3: "no manifest"})}, failures=0, error="")
    assert is_healthy(tmp_path / "health.json", NOON + timedelta(seconds=629))
    assert not is_healthy(tmp_path / "health.json", NOON + timedelta(seconds=631))
    now[0] += timedelta(seconds=600)
    health.write(None, failures=4, error="gone")
    written = json.loads((tmp_path / "health.json").read_text())
    assert not is_healthy(tmp_path / "health.json", NOON + timedelta(seconds=631))
    assert (written["failures"], written["error"], written["source"]) == (4, "gone", "s3://models")
    assert written["models"]["digits"] == {
        "versions": [1, 2],
        "labels": {"stable": 1},
        "refused": {"3": "no manifest"},
        "problem": None,
    }


@pytest.mark.parametrize("content", [None, "", "[]", '{"good_until": 3}', '{"good_until": "2030-01-02"}'])
def test_no_or_another_file_is_not_healthy(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "health.json"
    if content is not None:
        path.write_text(content)
    assert not is_healthy(path, NOON)


def test_bytes_that_arrive_keep_it_good(tmp_path: Path) -> None:
    """A pass that takes an hour for one large version has not ended yet."""
    health = Health(tmp_path / "health.json", "s3://models", 30.0, lambda: NOON)
    health.progress()
    assert is_healthy(tmp_path / "health.json", NOON)
    (tmp_path / "health.json").unlink()
    health.progress()  # not for every chunk
    assert not (tmp_path / "health.json").exists()


def test_a_summary_is_one_line() -> None:
    assert summary({}) == "there is no model in the store"
    assert summary({"b": MirroredModel((1, 2)), "a": MirroredModel()}) == "a none, b 1+2"


def test_the_loop_goes_on_through_failures_and_ends_when_told(
    pushed: Mirror, node: Path, said: list[str], chance: random.Random
) -> None:
    """A file stands in the model's place until the first failure is told."""
    stop = Unhurried()
    (node / "digits").write_text("no folder")

    def say(line: str) -> None:
        said.append(line)
        if "trying again" in line:
            (node / "digits").unlink()
        if "looking" in line:
            stop.set()

    watch(pushed, Health(None, "store", 3600, lambda: NOON), stop=stop, say=say, chance=chance)
    assert list_versions(node, "digits") == (1,)
    assert "cannot stage a version of 'digits': " in said[0]
    assert said[-1] == "digits 1; looking every 3600 s"


@pytest.fixture
def pushed(
    store: ObjectStore, models: Path, publish_one: Callable[[str], int], make_mirror: Callable[..., Mirror]
) -> Mirror:
    """A mirror of a store with one version."""
    push_version(store, models, "digits", publish_one("digits"), concurrency=2)
    return make_mirror("digits")
