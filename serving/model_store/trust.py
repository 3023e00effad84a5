"""Whether a version may be loaded: its graph's operations, its links, and where it is asked for its signature.

What it reads may be changed by whoever can write to the model directory while a version is being loaded: what is
promised is that nothing which lay there when it was looked at was outside the rules. See docs/model-security.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from serving.contract.graph_report import GraphReport, examine
from serving.contract.model_directory import VersionPaths, model_paths
from serving.contract.saved_model import MAX_BYTES, parse_saved_model
from serving.contract.signing import check_signature
from serving.errors import IntegrityError
from serving.model_store.verify import verify_version
from serving.model_store.version_files import walk


@dataclass(frozen=True, slots=True)
class Trust:
    """`keys` by their ids, of which one must have signed a version; None: signatures are not asked for.

    `allowed_operations` of the graph come beside those of `serving/contract/operations.py`.
    """

    keys: Mapping[str, Ed25519PublicKey] | None = None
    allowed_operations: frozenset[str] = field(default_factory=frozenset)


ANY_SIGNER = Trust()


def check_version(models: Path, model: str, version: int, trust: Trust = ANY_SIGNER) -> None:
    """Raises IntegrityError with the reason and what to do, unless the version may be loaded. Reads the graph, and
    every byte of the version where signatures are asked for.
    """
    paths = model_paths(models, model).version(version)
    refuse_links(paths)
    if trust.keys is not None:
        check_signed(models, model, version, trust.keys)
    check_operations(paths, trust.allowed_operations)


def check_operations(paths: VersionPaths, allowed: frozenset[str] = frozenset()) -> None:
    """Raises IntegrityError when the graph has an operation, or an asset, that it may not have."""
    if fault := read_operations(paths, allowed).fault:
        raise IntegrityError(fault)


def read_operations(paths: VersionPaths, allowed: frozenset[str] = frozenset()) -> GraphReport:
    """What the version's graphs are made of. Raises IntegrityError when they cannot be read."""
    name = paths.saved_model.name
    try:
        others = sorted(path.name for path in paths.root.glob("saved_model.*") if path.name != name)
        if others:  # which a loader might take in its place
            raise IntegrityError(f"{others[0]} lies beside {name}: a version has one graph")
        if paths.saved_model.stat().st_size > MAX_BYTES:
            raise IntegrityError(f"{name} is larger than {MAX_BYTES:,} bytes, which nobody can read")
        content = paths.saved_model.read_bytes()
    except OSError as error:
        raise IntegrityError(f"{name} cannot be read: {error.strerror or type(error).__name__}") from error
    return examine(parse_saved_model(content), allowed)


def refuse_links(paths: VersionPaths) -> None:
    """Raises IntegrityError for a link in the version that leads out of it, or nowhere."""
    root = paths.root.resolve()
    try:
        for path in walk(paths.root):
            if path.is_symlink() and not path.resolve(strict=True).is_relative_to(root):
                name = path.relative_to(paths.root).as_posix()
                raise IntegrityError(f"{name} is a link that leads out of the version; put the file itself there")
    except (OSError, RuntimeError) as error:  # the latter is Python 3.11's word for links that lead in a circle
        reason = (isinstance(error, OSError) and error.strerror) or "a link leads in a circle"
        raise IntegrityError(f"a file of the version cannot be looked at: {reason}") from error


def check_signed(models: Path, model: str, version: int, keys: Mapping[str, Ed25519PublicKey]) -> None:
    """Raises IntegrityError unless one of `keys` signed the manifest, and every file is what it says."""
    paths = model_paths(models, model).version(version)
    if not paths.manifest.is_file():
        raise IntegrityError("the version has no manifest, so that it cannot be signed; publish it with penstock")
    check_signature(_bytes(paths.manifest) or b"", _bytes(paths.signature), keys)
    if findings := verify_version(models, model, version):
        first = findings[0]
        raise IntegrityError(f"the version is not what was signed: {first.file}: {first.detail}")


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise IntegrityError(f"{path.name} cannot be read: {error.strerror or type(error).__name__}") from error
