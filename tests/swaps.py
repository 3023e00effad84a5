"""Versions that come and go while clients ask: what the tests of promoting and rolling back share."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from penstock_client import Client

from serving.contract.manifest import Manifest
from serving.contract.model_directory import VersionPaths, model_paths
from serving.model_store.publishing import publish
from serving.model_store.staging import staging
from serving.model_store.versions import list_versions, read_manifest

CLIENTS, BOUND_SECONDS = 8, 30.0


class Answered(NamedTuple):
    """Which version answered a request; moments of `time.monotonic`."""

    asked_seconds: float
    answered_seconds: float
    version: int


@dataclass
class Asking:
    """Clients at work; `answers` fills up, one list for each client."""

    stop: threading.Event = field(default_factory=threading.Event)
    answers: list[list[Answered]] = field(default_factory=list)

    def ask(self, url: str, model: str, instance: object, label: str | None) -> None:
        mine: list[Answered] = []
        self.answers.append(mine)
        with Client(url, retries=None) as client:  # a request that fails is what the tests are to see
            while not self.stop.is_set():
                asked = time.monotonic()
                [prediction] = client.predict(model, [instance], label=label)  # type: ignore[misc] # a list for a list
                assert prediction.version is not None
                mine.append(Answered(asked, time.monotonic(), prediction.version))


@contextmanager
def clients_asking(
    url: str, model: str, instance: object, labels: tuple[str | None, ...] = (None,)
) -> Iterator[Asking]:
    """CLIENTS that ask without pause while the block lasts, naming these labels (or nothing) in turn; its end raises
    what any of them met.
    """
    asking = Asking()
    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [
            pool.submit(asking.ask, url, model, instance, labels[number % len(labels)]) for number in range(CLIENTS)
        ]
        try:
            yield asking
        finally:
            asking.stop.set()
        for client in clients:
            client.result()


def until(holds: Callable[[], bool]) -> None:
    """Returns once it holds; BOUND_SECONDS bounds the wait, ten times what the gateway is promised to take."""
    deadline = time.monotonic() + BOUND_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "what was waited for has not come"
        time.sleep(0.02)


def publish_again(
    models: Path,
    model: str,
    *,
    described: Callable[[Manifest], Manifest] = lambda manifest: manifest,
    spoil: Callable[[VersionPaths], object] = lambda _: None,
) -> int:
    """The newest version of the model once more, as its next version: `described` otherwise, or its files spoilt before
    they are counted.
    """
    source = list_versions(models, model)[-1]
    manifest = read_manifest(models, model, source)
    assert manifest
    with staging(models, model) as staged:
        shutil.copytree(model_paths(models, model).version(source).root, staged.root, dirs_exist_ok=True)
        spoil(staged)
        return publish(models, staged, described(manifest), by="test", reason="again", now=datetime.now(UTC))


def golden_instance(models: Path, model: str) -> object:
    manifest = read_manifest(models, model, list_versions(models, model)[-1])
    assert manifest
    return manifest.golden_examples[0].instance
