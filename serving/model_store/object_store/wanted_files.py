"""Which objects of a version are fetched, under which names: what a manifest says against what the store lists. Pure.

Names come from somebody else's bytes, so they are held to rules before any path is made of them: none can lead out of
the folder that is being filled.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from serving.contract.manifest import Manifest
from serving.errors import IntegrityError

MANIFEST = "assets.extra/manifest.json"
SIGNATURE = "assets.extra/manifest.sig"
SAVED_MODEL = "saved_model.pb"
MAX_NAME_BYTES, MAX_SEGMENT_BYTES, MAX_DEPTH = 1024, 255, 32
"""S3's own limit on a key, Linux's on a name, and more folders than any SavedModel has."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one version may take of a node: a manifest is a few megabytes, a SavedModel a few dozen files."""

    files: int = 10_000
    total_bytes: int = 256 * 1024**3
    manifest_bytes: int = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """One object as a listing shows it; `token` changes with its content (an ETag, a generation, a time)."""

    size_bytes: int
    token: str


@dataclass(frozen=True, slots=True)
class WantedFile:
    name: str
    size_bytes: int
    sha256: str


def name_fault(name: str) -> str | None:
    """Why `name` cannot be a file's path in a version; None when it can."""
    if not name or name.startswith("/"):
        return "is not a path below the version"
    if "\\" in name or not name.isprintable():
        return "has a backslash or a control character"
    segments = name.split("/")
    if len(segments) > MAX_DEPTH:
        return f"has more than {MAX_DEPTH} parts"
    if any(segment in ("", ".", "..") for segment in segments):
        return "has an empty part, '.' or '..'"
    sizes = [len(segment.encode(errors="surrogatepass")) for segment in segments]
    if max(sizes) > MAX_SEGMENT_BYTES or sum(sizes) + len(sizes) > MAX_NAME_BYTES:
        return f"is longer than {MAX_SEGMENT_BYTES} bytes a part or {MAX_NAME_BYTES} in all"
    return None


def wanted_files(manifest: Manifest, listed: Mapping[str, ObjectFacts], limits: Limits) -> tuple[WantedFile, ...]:
    """The manifest's files with the sizes listed, in the order of names. What the manifest does not name is left out.

    Raises IntegrityError when a name is none, a file is not in the store, or there is more than the limits allow.
    """
    if len(manifest.files) > limits.files:
        raise IntegrityError(f"the manifest names {len(manifest.files):,} files; {limits.files:,} are allowed")
    if SAVED_MODEL not in manifest.files:
        raise IntegrityError(f"the manifest names no {SAVED_MODEL}")
    for name, digest in manifest.files.items():
        if fault := name_fault(name):
            raise IntegrityError(f"the manifest names a file that {fault}: {name[:80]!r}")
        if not _SHA256.fullmatch(digest):
            raise IntegrityError(f"the manifest has no sha256 of {name[:80]!r}")
        if name not in listed:
            raise IntegrityError(f"{name} is in the manifest and not in the store")
    _refuse_files_as_folders(manifest)
    wanted = tuple(WantedFile(name, listed[name].size_bytes, manifest.files[name]) for name in sorted(manifest.files))
    if (total := sum(file.size_bytes for file in wanted)) > limits.total_bytes:
        raise IntegrityError(f"the version has {total:,} bytes; {limits.total_bytes:,} are allowed")
    return wanted


def fingerprint(listed: Mapping[str, ObjectFacts]) -> int:
    """Changes when any object of the version does, but for one in some 10^18; good within one process."""
    return hash(frozenset(listed.items()))


def _refuse_files_as_folders(manifest: Manifest) -> None:
    names = manifest.files.keys()
    folders = {name[:at] for name in [*names, MANIFEST] for at, letter in enumerate(name) if letter == "/"}
    if unlisted := (folders | {MANIFEST, SIGNATURE}) & names:
        name = min(unlisted)
        raise IntegrityError(f"the manifest names {name!r}, which is no file of its own")
