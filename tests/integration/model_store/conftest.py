import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DRIVER = Path(__file__).with_name("publish_driver.py")


class Driver:
    """A running publish_driver.py; `start` and `answer` are apart so that several can work at once."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def start(self, operation: str, step: int = 0) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{operation} {step}\n")
        self._process.stdin.flush()

    def answer(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline().strip()

    def ask(self, operation: str, step: int = 0) -> str:
        self.start(operation, step)
        return self.answer()


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def start_driver(models: Path) -> Iterator[Callable[[], Driver]]:
    with ExitStack() as running:
        yield lambda: running.enter_context(_driver(models))


@contextmanager
def _driver(models: Path) -> Iterator[Driver]:
    with subprocess.Popen(
        [sys.executable, DRIVER, models],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        yield Driver(process)
