"""Signing a version that is published already: one file beside its manifest, and a line of its history."""

from datetime import datetime
from pathlib import Path

from serving.contract.model_directory import model_paths
from serving.errors import IntegrityError, UnknownVersion
from serving.model_store.atomic_file import write_atomically
from serving.model_store.audit import AuditEntry, record
from serving.model_store.disk_errors import disk_errors
from serving.model_store.lock import locked
from serving.model_store.publishing import Sign
from serving.model_store.verify import verify_version


def sign_version(models: Path, model: str, version: int, sign: Sign, *, by: str, now: datetime) -> None:
    """Puts manifest.sig there, in place of one by another key. Raises UnknownVersion, PublishError, and IntegrityError
    when the version is not as it was published: nobody signs damage unseen.
    """
    paths = model_paths(models, model)
    signed = paths.version(version)
    if not signed.root.is_dir():
        raise UnknownVersion(f"there is no version {version} of {model!r}")
    if findings := verify_version(models, model, version):
        raise IntegrityError(f"version {version} of {model!r} is not signed: {findings[0].file}: {findings[0].detail}")
    with disk_errors(f"version {version} of {model!r} cannot be signed"), locked(paths):
        write_atomically(signed.signature, sign(signed.manifest.read_bytes()))
        record(paths, AuditEntry(at=now, action="signed", model=model, version=version, by=by))
