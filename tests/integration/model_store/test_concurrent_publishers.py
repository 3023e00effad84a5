from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from serving.model_store.audit import read_audit
from serving.model_store.verify import verify_model
from serving.model_store.versions import list_versions

PROCESSES, ROUNDS = 4, 5


class Driver(Protocol):
    def start(self, operation: str, step: int = 0) -> None: ...
    def answer(self) -> str: ...


def test_processes_that_publish_at_once_get_distinct_whole_versions(
    models: Path, start_driver: Callable[[], Driver]
) -> None:
    drivers = [start_driver() for _ in range(PROCESSES)]
    for driver in drivers:
        for _ in range(ROUNDS):
            driver.start("publish")
    answers = [driver.answer() for driver in drivers for _ in range(ROUNDS)]
    expected = tuple(range(1, PROCESSES * ROUNDS + 1))
    assert sorted(answers) == sorted(f"done {number}" for number in expected)
    assert list_versions(models, "digits") == expected
    assert verify_model(models, "digits") == ()
    assert [entry.version for entry in read_audit(models, "digits")] == list(expected)
