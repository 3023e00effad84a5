"""SIGKILL before every step of publishing, promoting and pruning: readers see the old state or the new one."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from serving.model_store.audit import read_audit
from serving.model_store.labels import read_labels
from serving.model_store.verify import verify_model
from serving.model_store.versions import list_versions

OF_A_SETTLED_MODEL = {".lock", "audit.jsonl", "highest_version", "labels.json"}


class Driver(Protocol):
    def ask(self, operation: str, step: int = 0) -> str: ...
    def start(self, operation: str, step: int = 0) -> None: ...
    def answer(self) -> str: ...


@pytest.fixture
def driver(start_driver: Callable[[], Driver]) -> Driver:
    return start_driver()


def kills(driver: Driver, operation: str) -> Iterator[int]:
    """Does the operation once for each of its steps, killed before that one, until it gets through unharmed."""
    for step in itertools.count(1):
        answer = driver.ask(operation, step)
        if answer != "killed":
            assert answer.startswith("done"), answer
            assert step > 10, "the operation has hardly any steps: is the counting broken?"
            return
        yield step


def published(driver: Driver) -> int:
    done, number = driver.ask("publish").split()
    assert done == "done"
    return int(number)


def strays(models: Path) -> set[str]:
    names = {path.name for path in (models / "digits").iterdir()}
    return {name for name in names if not name.isdigit()} - OF_A_SETTLED_MODEL


def test_a_killed_publish_leaves_the_old_state_or_the_new_and_the_next_one_succeeds(
    models: Path, driver: Driver
) -> None:
    published(driver)
    before = list_versions(models, "digits")
    for step in kills(driver, "publish"):
        seen = list_versions(models, "digits")
        assert seen == before or seen[:-1] == before, step
        assert verify_model(models, "digits") == (), step
        number = published(driver)
        before = list_versions(models, "digits")
        assert before == (*seen, number), step
        assert strays(models) == set(), step


def test_a_killed_promotion_leaves_the_old_label_or_the_new(models: Path, driver: Driver) -> None:
    published(driver)
    for step in kills(driver, "promote"):
        newest = list_versions(models, "digits")[-1]
        assert read_labels(models, "digits").get("stable", 0) in (newest - 1, newest), step
        assert driver.ask("promote") == f"done {newest}", step
        assert read_labels(models, "digits") == {"stable": newest}, step
        assert strays(models) == set(), step
        assert [entry.version for entry in read_audit(models, "digits") if entry.action == "published"][-1] == newest
        published(driver)


def test_a_killed_prune_leaves_whole_versions_and_the_next_one_ends_its_work(models: Path, driver: Driver) -> None:
    newest = max(published(driver) for _ in range(3))
    for step in kills(driver, "prune"):
        assert list_versions(models, "digits")[-1] == newest, step
        assert verify_model(models, "digits") == (), step
        assert driver.ask("prune").startswith("done"), step
        assert list_versions(models, "digits") == (newest,), step
        assert strays(models) == set(), step
        assert published(driver) == newest + 1, step
        newest = published(driver)
