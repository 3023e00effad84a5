import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from serving.model_store.object_store.address import parse_address
from serving.model_store.object_store.fetch import Fetching
from serving.model_store.object_store.mirror import Choice, Mirror
from serving.model_store.object_store.push import push_version
from serving.model_store.object_store.store import ObjectStore
from serving.model_store.object_store.wanted_files import Limits

MakeMirror = Callable[..., Mirror]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder that is the store."""
    return tmp_path / "store"


@pytest.fixture
def store(folder: Path) -> ObjectStore:
    return ObjectStore(parse_address(str(folder), folder="/"))


@pytest.fixture
def node(tmp_path: Path) -> Path:
    path = tmp_path / "node"
    path.mkdir()
    return path


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def chance() -> random.Random:
    return random.Random(7)


@pytest.fixture
def make_mirror(store: ObjectStore, node: Path, said: list[str]) -> MakeMirror:
    """A mirror of the store on the node; what it says is in `said`."""

    def make(
        *names: str,
        keep: int = 2,
        limits: Limits | None = None,
        stop: threading.Event | None = None,
        patience: float = 0,
    ) -> Mirror:
        fetching = Fetching(
            store, node, limits or Limits(), 2, stop or threading.Event(), lambda: datetime(2030, 1, 2, tzinfo=UTC)
        )
        return Mirror(fetching, Choice(names, keep, patience), said.append)

    return make


@pytest.fixture
def push_one(store: ObjectStore, models: Path, publish_one: Callable[[str], int]) -> Callable[[], int]:
    """Publishes the next version of `digits` and pushes it."""

    def push_next() -> int:
        version = publish_one("digits")
        push_version(store, models, "digits", version, concurrency=2)
        return version

    return push_next
