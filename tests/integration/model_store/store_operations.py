"""Everything that changes a model directory, each as a function of the directory alone: a publisher, an operator, a
promoter that is killed, whoever clears up after it, and a mirror.
"""

import threading
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from serving.contract.features import NumberFeature
from serving.contract.manifest import Lineage, Manifest, Metrics, Regression
from serving.contract.model_directory import CANDIDATE, model_paths
from serving.errors import PenstockError
from serving.model_store.audit import PromotionStep
from serving.model_store.candidacy import Lease, clear, clear_abandoned
from serving.model_store.disk_errors import disk_errors
from serving.model_store.labels import remove_label, set_label
from serving.model_store.object_store.address import parse_address
from serving.model_store.object_store.fetch import Fetching
from serving.model_store.object_store.mirror import Choice, Mirror
from serving.model_store.object_store.push import push_label, push_version
from serving.model_store.object_store.store import ObjectStore
from serving.model_store.object_store.wanted_files import Limits
from serving.model_store.prune import prune
from serving.model_store.publishing import publish
from serving.model_store.rollback import rollback
from serving.model_store.staging import staging
from serving.model_store.traffic import make_traffic, read_traffic, retire_canary, set_traffic
from serving.promotion.journal import Journal

MODEL, MIRRORED = "digits", "mirrored"
BY = "test"
NOON = datetime(2030, 1, 2, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
"""When the lease of every promotion is over."""
STORED_VERSIONS = 3
KEPT_MIRRORED = 2

Change = Callable[[Path], object]


def manifest(model: str) -> Manifest:
    return Manifest(
        model=model,
        version=1,
        features=(NumberFeature(name="age"),),
        outputs=Regression(target="progression"),
        signatures={},
        metrics=Metrics(test={"mae": 41.5}, baseline={"mae": 62.0}),
        lineage=Lineage(source="test", sha256="0" * 64, rows={"train": 3, "test": 1}, seed=7),
        job_sha256="1" * 64,
        frameworks={"keras": "3"},
        created_at=NOON,
    )


def publishing(content: bytes, model: str = MODEL) -> Change:
    def change(models: Path) -> int:
        with staging(models, model) as staged:
            with disk_errors("cannot export"):
                staged.saved_model.write_bytes(content)
                (staged.root / "variables").mkdir()
                (staged.root / "variables" / "variables.data").write_bytes(b"weights")
            return publish(models, staged, manifest(model), by=BY, reason="", now=NOON)

    return change


def labelling(label: str, version: int) -> Change:
    return lambda models: set_label(models, MODEL, label, version, by=BY, reason="", now=NOON).version


def unlabelling(label: str) -> Change:
    return lambda models: remove_label(models, MODEL, label, by=BY, reason="", now=NOON).previous


def splitting(split: Mapping[str, int]) -> Change:
    return lambda models: set_traffic(models, MODEL, make_traffic(split), by=BY, reason="", now=NOON).split


def rolling_back() -> Change:
    return lambda models: rollback(models, MODEL, by=BY, reason="", now=NOON).version


def retiring(version: int) -> Change:
    return lambda models: retire_canary(models, MODEL, version, by=BY, reason="", now=NOON)


def pruning(keep: int, model: str = MODEL) -> Change:
    return lambda models: prune(models, model, keep=keep, by=BY, reason="", now=NOON)


def half_a_promotion(version: int) -> Change:
    """All that a promotion puts into the directory for its checks, by a promoter that goes no further."""

    def change(models: Path) -> None:
        clear(models, MODEL, by=BY, now=NOON)
        lease = Lease(model_paths(models, MODEL), lambda: NOON)
        lease.begin(version, None)
        journal = Journal(models, MODEL, version, by=BY, now=lambda: NOON, write=lambda _: None)
        set_label(models, MODEL, CANDIDATE, version, by=BY, reason="", now=NOON)
        journal.ended(PromotionStep(name="loaded", outcome="ok", seconds=0.5))
        traffic = read_traffic(models, MODEL)
        lease.changes(traffic)
        shadowed = make_traffic(traffic.split, shadow=(CANDIDATE, 0.5))
        set_traffic(models, MODEL, shadowed, by=BY, reason="", now=NOON)

    return change


def clearing_up() -> Change:
    return lambda models: clear_abandoned(models, MODEL, by=BY, now=LATER)


def stored_models(folder: Path) -> ObjectStore:
    """A store of a few versions of one model, made in `folder`."""
    source = folder / "source"
    store = ObjectStore(parse_address(str(folder / "store"), folder="/"))
    for number in range(1, STORED_VERSIONS + 1):
        publishing(b"stored %d" % number, MIRRORED)(source)
        push_version(store, source, MIRRORED, number, concurrency=1)
    push_label(store, MIRRORED, "stable", 1)
    return store


def mirroring(store: ObjectStore) -> Change:
    """A pass of a mirror that has just been started."""

    def change(models: Path) -> tuple[int, ...]:
        fetching = Fetching(store, models, Limits(), 1, threading.Event(), lambda: NOON)
        mirror = Mirror(fetching, Choice((MIRRORED,), KEPT_MIRRORED, 0.0), lambda _: None)
        mirror.one_pass()
        return mirror.one_pass()[MIRRORED].versions

    return change


def answer_of(change: Change, models: Path) -> bytes:
    """`done`, `refused` for an error of ours, or `broken` for any other: none may come out of the model store."""
    try:
        return f"done {change(models)}".encode()
    except PenstockError as error:
        return f"refused {type(error).__name__}: {error}".encode()
    except Exception:  # noqa: BLE001  whatever it is, it is the finding
        return f"broken {traceback.format_exc()}".encode()
