"""From a model directory into the store: files, then the manifest, then labels. A version there is never overwritten.

A number belongs to whoever has claimed it first: the claim is one small object that can be created only once and holds
the sha256 of the manifest, so that the same version may be pushed again and another under its number may not.
"""

import hashlib
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from serving.contract.manifest import Manifest, parse_manifest
from serving.contract.model_directory import LABEL_NAME, ModelPaths, model_paths
from serving.errors import IntegrityError, PublishError, StoreUnavailable, UnknownVersion
from serving.model_store.atomic_file import write_atomically
from serving.model_store.disk_errors import disk_errors
from serving.model_store.labels import read_labels, render_labels
from serving.model_store.lock import locked
from serving.model_store.object_store.store import CLAIMS, LABELS, TRAFFIC, ObjectStore
from serving.model_store.object_store.wanted_files import MANIFEST, SIGNATURE, Limits, ObjectFacts, wanted_files
from serving.model_store.traffic import read_traffic, render_traffic
from serving.model_store.verify import verify_version
from serving.model_store.versions import highest_version


class VersionTaken(PublishError):
    """The store has another version under this number, or somebody has begun to push one."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """`was_there`: the store had this very version already."""

    version: int
    files: int
    total_bytes: int
    was_there: bool


@dataclass(frozen=True, slots=True)
class _Local:
    root: Path
    manifest_text: bytes
    manifest: Manifest
    signature: bytes | None = None

    @property
    def claim(self) -> bytes:
        return hashlib.sha256(self.manifest_text).hexdigest().encode() + b"\n"


def push_version(store: ObjectStore, models: Path, model: str, version: int, *, concurrency: int) -> Pushed:
    """Puts the version into the store, the manifest last, so that nobody takes it before it is whole.

    Raises VersionTaken, IntegrityError when the version here is damaged, UnknownVersion, StoreUnavailable.
    """
    local = _whole(models, model, version)
    where = f"{model}/{version}"
    there = store.read(f"{where}/{MANIFEST}", Limits().manifest_bytes)
    if there is not None and there != local.manifest_text:
        raise _taken(model, version, "is in the store with another content")
    if store.create(f"{model}/{CLAIMS}/{version}", local.claim) != local.claim:
        raise _taken(model, version, "is being pushed by somebody else, or was")
    sizes = {name: (local.root / name).stat().st_size for name in local.manifest.files}
    pushed = Pushed(version, len(sizes) + 1, sum(sizes.values()) + len(local.manifest_text), there is not None)
    absent = set(sizes) if there is None else _missing(store.files(model, version), sizes)
    _upload(store, local, where, absent, concurrency)
    if local.signature is not None:  # before the manifest, so that nobody takes the version without it
        store.write(f"{where}/{SIGNATURE}", local.signature)
    if still := _missing(store.files(model, version), sizes):
        raise StoreUnavailable(f"{where}/{min(still)} was written and is not there as it was sent")
    if there is None and store.create(f"{where}/{MANIFEST}", local.manifest_text) != local.manifest_text:
        raise _taken(model, version, "was put into the store by somebody else meanwhile")
    return pushed


def raise_numbers(store: ObjectStore, models: Path, model: str) -> int:
    """Lets the next version published here have a number above all that the store has or has promised; returns those'
    highest, 0 for none. Raises StoreUnavailable, IntegrityError, PublishError.
    """
    stored = max([*store.model(model).versions, *store.claimed_numbers(model)], default=0)
    paths = model_paths(models, model)
    with disk_errors(f"the next version of {model!r} cannot be numbered"):
        paths.root.mkdir(parents=True, exist_ok=True)
        with locked(paths):
            _raise(paths, stored)
    return stored


def push_label(store: ObjectStore, model: str, label: str, version: int) -> None:
    """Points a label of the store at a version that is there; the others stay. Raises PublishError."""
    if not LABEL_NAME.fullmatch(label):
        raise PublishError(f"{label[:64]!r} is not a label")
    labels = {**(store.model(model).labels or {}), label: version}
    _refuse_absent(store, model, {label: version})
    store.write(f"{model}/{LABELS}", render_labels(labels))


def push_labels(store: ObjectStore, models: Path, model: str) -> Mapping[str, int]:
    """Makes the store's labels and traffic those of this directory; the labels. Raises PublishError when the store
    lacks a version that they name.
    """
    labels, traffic = read_labels(models, model), read_traffic(models, model)
    _refuse_absent(store, model, labels)
    if strangers := set(traffic.labels()) - set(labels):
        raise PublishError(f"the traffic of {model!r} speaks of {min(strangers)!r}, which is no label here")
    steps = [(f"{model}/{LABELS}", render_labels(labels)), (f"{model}/{TRAFFIC}", render_traffic(traffic))]
    if set(traffic.labels()) <= set(store.model(model).labels or ()):
        steps.reverse()  # a share for a new label comes after it, and one for a label that goes, goes before it
    for name, content in steps:
        store.write(name, content)
    return labels


def _whole(models: Path, model: str, version: int) -> _Local:
    paths = model_paths(models, model).version(version)
    if not paths.root.is_dir():
        raise UnknownVersion(f"there is no version {version} of {model!r} in the model directory")
    if findings := verify_version(models, model, version):
        first = findings[0]
        raise IntegrityError(f"version {version} of {model!r} is not pushed: {first.file}: {first.detail}")
    text = paths.manifest.read_bytes()
    manifest = parse_manifest(text)
    listed = {name: ObjectFacts((paths.root / name).stat().st_size, "") for name in manifest.files}
    wanted_files(manifest, listed, Limits())  # what no mirror would take is not put there
    return _Local(paths.root, text, manifest, paths.signature.read_bytes() if paths.signature.is_file() else None)


def _missing(listed: Mapping[str, ObjectFacts], sizes: Mapping[str, int]) -> set[str]:
    return {name for name, size in sizes.items() if name not in listed or listed[name].size_bytes != size}


def _upload(store: ObjectStore, local: _Local, where: str, names: set[str], concurrency: int) -> None:
    with ThreadPoolExecutor(concurrency, thread_name_prefix="push") as pool:
        under_way: list[Future[None]] = [
            pool.submit(store.upload, local.root / name, f"{where}/{name}") for name in sorted(names)
        ]
        for future in under_way:
            future.result()


def _refuse_absent(store: ObjectStore, model: str, labels: Mapping[str, int]) -> None:
    for label, version in labels.items():
        if MANIFEST not in store.files(model, version):
            raise PublishError(f"the store lacks version {version} of {model!r}, which {label!r} names: push it first")


def _raise(paths: ModelPaths, at_least: int) -> None:
    if at_least > highest_version(paths):
        write_atomically(paths.highest_version, f"{at_least}\n".encode())


def _taken(model: str, version: int, what: str) -> VersionTaken:
    return VersionTaken(
        f"version {version} of {model!r} {what}, and is not overwritten; "
        "give yours the next free number with `penstock push --renumber`"
    )
