"""Publishing: a staged folder becomes the model's next version by one rename, or nothing has happened.

The order is the promise. Whatever a reader could see is on the disk before the rename, and the number is used up
before it too, so that no kill at any moment can show a partial version or give a number twice.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from serving.contract.manifest import Manifest, parse_manifest, render_manifest
from serving.contract.model_directory import ModelPaths, VersionPaths, model_paths
from serving.errors import IntegrityError, PublishError
from serving.model_store.atomic_file import sync, write_atomically
from serving.model_store.audit import AuditEntry, record
from serving.model_store.disk_errors import disk_errors
from serving.model_store.lock import locked
from serving.model_store.version_files import is_folder, is_plain_file, sha256_of, walk
from serving.model_store.versions import highest_version

Sign: TypeAlias = Callable[[bytes], bytes]


def publish(
    models: Path,
    staged: VersionPaths,
    manifest: Manifest,
    *,
    by: str,
    reason: str,
    now: datetime,
    sign: Sign | None = None,
) -> int:
    """The number under which the staged folder is now visible, its manifest completed with number, digests and `now`,
    and signed where `sign` makes manifest.sig of its bytes.

    `staged` comes from `staging` for the manifest's model. Raises PublishError; the staged folder is then not visible.
    """
    paths = model_paths(models, manifest.model)
    with disk_errors(f"cannot publish {manifest.model!r}"):
        _refuse_unready(paths, staged)
        digests = _settled_digests(staged)  # outside the lock: gigabytes take their time
        with locked(paths):
            version = highest_version(paths) + 1
            _write_manifest(staged, _readable(manifest.published(version, digests, now)), sign)
            write_atomically(paths.highest_version, f"{version}\n".encode())
            staged.root.rename(paths.version(version).root)
            with disk_errors(f"version {version} of {manifest.model!r} is published, but not on record"):
                sync(paths.root)
                record(
                    paths,
                    AuditEntry(at=now, action="published", model=manifest.model, version=version, by=by, reason=reason),
                )
    return version


def _refuse_unready(paths: ModelPaths, staged: VersionPaths) -> None:
    name = paths.root.name
    if staged.root.resolve().parent != paths.root.resolve():
        raise PublishError(f"cannot publish {name!r}: the staged folder is not one of this model's")
    if not staged.saved_model.is_file():
        raise PublishError(f"cannot publish {name!r}: the staged folder holds no {staged.saved_model.name}")


def _settled_digests(staged: VersionPaths) -> dict[str, str]:
    """The sha256 of each file but the manifest, by its path in the version; all of it is on the disk afterwards."""
    digests = {}
    for path in walk(staged.root):
        name = path.relative_to(staged.root).as_posix()
        if not is_folder(path):
            if not is_plain_file(path):
                raise PublishError(f"cannot publish: {name} is neither a plain file nor a folder")
            if path not in (staged.manifest, staged.signature):
                digests[name] = sha256_of(path)
        sync(path)
    return digests


def _readable(manifest: Manifest) -> bytes:
    """The manifest's text, refused unless it reads back the same: JSON has no NaN, and copying checks no field."""
    text = render_manifest(manifest)
    try:
        back = parse_manifest(text)
    except IntegrityError as error:
        raise PublishError(
            f"cannot publish {manifest.model!r}: its manifest could not be read again: {error}"
        ) from error
    for field in Manifest.model_fields:
        if getattr(back, field) != getattr(manifest, field):
            raise PublishError(
                f"cannot publish {manifest.model!r}: its manifest's {field} would not read back the same"
            )
    return text


def _write_manifest(staged: VersionPaths, text: bytes, sign: Sign | None) -> None:
    staged.extra.mkdir(exist_ok=True)
    write_atomically(staged.manifest, text)
    staged.signature.unlink(missing_ok=True)  # of another manifest, where a version is published again
    if sign:
        write_atomically(staged.signature, sign(text))
    sync(staged.root)
