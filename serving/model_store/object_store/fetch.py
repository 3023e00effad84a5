"""One version from the store into the model directory: staged beside the versions, checked, renamed into place.

The same promise as publishing's: killed at any moment there is the whole version or none, and nothing that is not what
its manifest says is ever renamed.
"""

import hashlib
import shutil
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from serving.contract.manifest import Manifest, parse_manifest
from serving.contract.model_directory import VersionPaths, model_paths
from serving.contract.signing import MAX_SIGNATURE_BYTES, check_signature
from serving.errors import Cancelled, IntegrityError, PublishError
from serving.model_store.atomic_file import sync, write_atomically
from serving.model_store.audit import AuditEntry, record
from serving.model_store.disk_errors import disk_errors
from serving.model_store.lock import locked
from serving.model_store.object_store.store import ObjectStore
from serving.model_store.object_store.wanted_files import (
    MANIFEST,
    SIGNATURE,
    Limits,
    ObjectFacts,
    WantedFile,
    wanted_files,
)
from serving.model_store.staging import staging
from serving.model_store.trust import ANY_SIGNER, Trust, check_operations
from serving.model_store.version_files import is_folder, walk
from serving.model_store.versions import highest_version

BY = "penstock mirror"
ROOM = 1.05
"""Of the version's bytes that must be free: folders and blocks take a little too."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """`taken` is False when another mirror of the same directory was quicker."""

    files: int
    total_bytes: int
    taken: bool


@dataclass(frozen=True, slots=True)
class Fetching:
    """What every fetch of a mirror shares. `stop`, once set, ends it within a chunk; `progress` hears of each chunk,
    from several threads.
    """

    store: ObjectStore
    models: Path
    limits: Limits
    concurrency: int
    stop: threading.Event
    clock: Callable[[], datetime]
    progress: Callable[[], None] = lambda: None
    trust: Trust = ANY_SIGNER


class NotWhole(IntegrityError):
    """The version has no manifest, which comes last: it is being uploaded, or was copied there by hand."""


def fetch_version(fetching: Fetching, model: str, version: int, listed: Mapping[str, ObjectFacts]) -> Fetched:
    """Brings the version here and makes it visible by one rename.

    Raises NotWhole, IntegrityError when it is not what its manifest says or may not be loaded, StoreUnavailable,
    PublishError for a disk that fails or is full, Cancelled when told to stop. Nothing is visible then.
    """
    text, manifest = _manifest(fetching, model, version, listed)
    wanted = wanted_files(manifest, listed, fetching.limits)
    signature = _signature(fetching, model, version, listed)
    if fetching.trust.keys is not None:
        check_signature(text, signature, fetching.trust.keys)
    total = len(text) + sum(file.size_bytes for file in wanted)
    with staging(fetching.models, model) as staged:
        _refuse_full_disk(fetching.models, total)
        _download(fetching, f"{model}/{version}", wanted, staged)
        with disk_errors(f"version {version} of {model!r} cannot be mirrored"):
            staged.extra.mkdir(exist_ok=True)
            write_atomically(staged.manifest, text)
            if signature is not None:
                write_atomically(staged.signature, signature)
            check_operations(staged, fetching.trust.allowed_operations)
            for path in walk(staged.root):
                if is_folder(path):
                    sync(path)
            sync(staged.root)
            taken = _adopt(fetching, model, version, staged)
    return Fetched(len(wanted) + 1, total, taken)


def _manifest(
    fetching: Fetching, model: str, version: int, listed: Mapping[str, ObjectFacts]
) -> tuple[bytes, Manifest]:
    text = None
    if MANIFEST in listed:
        text = fetching.store.read(f"{model}/{version}/{MANIFEST}", fetching.limits.manifest_bytes)
    if text is None:
        raise NotWhole("it has no manifest yet")
    manifest = parse_manifest(text)
    if (manifest.model, manifest.version) != (model, version):
        raise IntegrityError(f"its manifest is that of {manifest.model[:80]!r} version {manifest.version}")
    return text, manifest


def _signature(fetching: Fetching, model: str, version: int, listed: Mapping[str, ObjectFacts]) -> bytes | None:
    """Fetched also where nobody asks for it, for whoever does later."""
    if SIGNATURE not in listed:
        return None
    return fetching.store.read(f"{model}/{version}/{SIGNATURE}", MAX_SIGNATURE_BYTES)


def _refuse_full_disk(models: Path, total_bytes: int) -> None:
    with disk_errors("the model directory's volume cannot be asked for its room"):
        free = shutil.disk_usage(models).free
    if free < total_bytes * ROOM:
        raise PublishError(f"the version has {total_bytes:,} bytes and the model directory's volume {free:,} free")


def _download(fetching: Fetching, source: str, wanted: tuple[WantedFile, ...], staged: VersionPaths) -> None:
    """All files, some at once. The first that fails ends the others, and its error is raised."""
    failed = threading.Event()

    def one(file: WantedFile) -> None:
        try:
            _download_file(fetching, f"{source}/{file.name}", file, staged.root / file.name, failed)
        except BaseException:
            failed.set()
            raise

    with ThreadPoolExecutor(fetching.concurrency, thread_name_prefix="fetch") as pool:
        under_way: list[Future[None]] = [pool.submit(one, file) for file in wanted]
    errors = [error for future in under_way if (error := future.exception())]
    for error in sorted(errors, key=lambda error: isinstance(error, Cancelled)):
        raise error


def _download_file(fetching: Fetching, source: str, file: WantedFile, target: Path, failed: threading.Event) -> None:
    digest, received = hashlib.sha256(), 0
    with disk_errors(f"{source} cannot be written"):
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as out:
            for chunk in fetching.store.chunks(source):
                if fetching.stop.is_set() or failed.is_set():
                    raise Cancelled("told to stop")
                received += len(chunk)
                if received > file.size_bytes:
                    break
                digest.update(chunk)
                out.write(chunk)
                fetching.progress()
        sync(target)
    if received != file.size_bytes or digest.hexdigest() != file.sha256:
        raise IntegrityError(f"{file.name} is not what the manifest says: its sha256 is another")


def _adopt(fetching: Fetching, model: str, version: int, staged: VersionPaths) -> bool:
    if fetching.stop.is_set():
        raise Cancelled("told to stop")
    paths = model_paths(fetching.models, model)
    with locked(paths):
        target = paths.version(version).root
        if target.exists():
            return False
        highest = max(highest_version(paths), version)
        write_atomically(paths.highest_version, f"{highest}\n".encode())
        staged.root.rename(target)
        sync(paths.root)
        reason = f"from {fetching.store.address}"
        entry = AuditEntry(at=fetching.clock(), action="mirrored", model=model, version=version, by=BY, reason=reason)
        record(paths, entry)
    return True
