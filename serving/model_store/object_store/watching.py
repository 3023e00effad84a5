"""The mirror's loop: look, wait, look again; longer and at random while the store fails; ended at once by `stop`."""

import contextlib
import json
import math
import random
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from serving.errors import Cancelled, PenstockError, PublishError
from serving.model_store.atomic_file import write_atomically
from serving.model_store.object_store.mirror import Mirror, MirroredModel
from serving.model_store.object_store.plan import backoff_seconds, interval_seconds

PATIENCE_SECONDS = 600.0
"""How long the last good pass may lie back before the health file is no longer good: nothing is lost meanwhile, for
what is here is served, so a short outage of the store is no reason to restart anything."""


PROGRESS_SECONDS = 10.0


class Health:
    """One file, replaced after every pass; good for longer while bytes arrive, for a large version takes its time."""

    def __init__(self, path: Path | None, source: str, interval_seconds: float, clock: Callable[[], datetime]) -> None:
        self.path, self.source, self.interval_seconds, self._clock = path, source, interval_seconds, clock
        self._lock, self._told = threading.Lock(), -math.inf

    def progress(self) -> None:
        """Bytes have arrived. Cheap; writes every ten seconds, and a disk that refuses is told of after the pass."""
        now = time.monotonic()
        with self._lock, contextlib.suppress(OSError):
            if self.path is not None and now - self._told >= PROGRESS_SECONDS:
                self._told = now
                self._put({**_read(self.path), "good_until": self._good_until()})

    def write(self, models: Mapping[str, MirroredModel] | None, *, failures: int, error: str) -> None:
        """`models` None: the pass failed, and what was written before stands but for the failures. Raises OSError."""
        if self.path is None:
            return
        content = _read(self.path) if models is None else {}
        if models is not None:
            content = {"at": self._clock().isoformat(), "good_until": self._good_until(), "models": _shown(models)}
        self._put(content | {"source": self.source, "failures": failures, "error": error})

    def _good_until(self) -> str:
        return (self._clock() + timedelta(seconds=self.interval_seconds + PATIENCE_SECONDS)).isoformat()

    def _put(self, content: Mapping[str, object]) -> None:
        if self.path is not None:
            write_atomically(self.path, json.dumps(content, indent=2).encode() + b"\n")


def is_healthy(path: Path, now: datetime) -> bool:
    """Whether the last good pass that the file tells of is recent enough."""
    try:
        return now < datetime.fromisoformat(str(_read(path).get("good_until")))
    except (ValueError, TypeError):
        return False


def watch(
    mirror: Mirror, health: Health, *, stop: threading.Event, say: Callable[[str], None], chance: random.Random
) -> None:
    """Mirrors until `stop` is set."""
    failures, first = 0, True
    while not stop.is_set():
        try:
            models = mirror.one_pass()
        except Cancelled:
            return
        except (PenstockError, OSError) as error:
            failures += 1
            wait = backoff_seconds(failures, chance.random())
            say(f"{error}; trying again in {wait:.1f} s")
            _told(health, None, failures, str(error), say)
        else:
            if failures or first:
                say(f"{summary(models)}; looking every {health.interval_seconds:g} s")
            failures, first = 0, False
            wait = interval_seconds(health.interval_seconds, chance.random())
            _told(health, models, 0, "", say)
        stop.wait(wait)


def summary(models: Mapping[str, MirroredModel]) -> str:
    """One line: the versions of each model."""
    if not models:
        return "there is no model in the store"
    return ", ".join(f"{name} {'+'.join(map(str, each.versions)) or 'none'}" for name, each in sorted(models.items()))


def _told(
    health: Health,
    models: Mapping[str, MirroredModel] | None,
    failures: int,
    error: str,
    say: Callable[[str], None],
) -> None:
    try:
        health.write(models, failures=failures, error=error)
    except (OSError, PublishError) as failure:
        say(f"the health file cannot be written: {failure}")


def _shown(models: Mapping[str, MirroredModel]) -> dict[str, object]:
    return {
        name: {
            "versions": each.versions,
            "labels": dict(each.labels),
            "refused": {str(version): reason for version, reason in each.refused.items()},
            "problem": each.problem,
        }
        for name, each in models.items()
    }


def _read(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
