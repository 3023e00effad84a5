"""The object store as the model store needs it: names, sizes, small files and streams of large ones.

Every error of a library below becomes StoreUnavailable here, but for an object that is not there, and for one that the
store has and does not give us.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving.contract.model_directory import MODEL_NAME, version_number
from serving.errors import IntegrityError, PenstockError, StoreUnavailable
from serving.model_store.labels import parse_labels
from serving.model_store.object_store.address import StoreAddress
from serving.model_store.object_store.filesystems import open_filesystem
from serving.model_store.object_store.wanted_files import ObjectFacts
from serving.model_store.traffic import Traffic, parse_traffic

CHUNK_BYTES = 8 * 1024 * 1024
SMALL_BYTES = 1024 * 1024
_CREDENTIALS = re.compile(r"//[^/\s]*@")
"""An endpoint's address may hold some, and a library's error has the address."""
LABELS, TRAFFIC, CLAIMS = "labels.json", "traffic.json", ".claims"


class Unreadable(IntegrityError):
    """The store answers, and refuses this one object: a fault of what it belongs to, and no outage."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} may not be read: {reason}")
        self.name = name


@dataclass(frozen=True, slots=True)
class StoredModel:
    """`versions` are folders with a number, whole or not, ascending. `labels` and `traffic` are None where there is no
    such file, which says nothing: a bucket that was emptied takes no label away.
    """

    versions: tuple[int, ...] = ()
    labels: Mapping[str, int] | None = None
    traffic: Traffic | None = None

    @property
    def labelled(self) -> frozenset[int]:
        """The versions that a label names."""
        return frozenset((self.labels or {}).values())


class ObjectStore:
    """One prefix of a store. Names are relative to it, with slashes. Its methods may be called by several threads."""

    def __init__(self, address: StoreAddress) -> None:
        self.address = address
        self._root = address.path
        with store_errors(f"{address} cannot be opened"):
            self._files: Any = open_filesystem(address)

    def models(self) -> tuple[str, ...]:
        """The names of the models, sorted; none where there is no such prefix."""
        return tuple(sorted(name for name in self._names("", folders=True) if MODEL_NAME.fullmatch(name)))

    def model(self, name: str) -> StoredModel:
        """Raises IntegrityError when the labels or the traffic are damaged."""
        listed = self._listed(name)
        versions = sorted(
            number
            for entry in listed
            if entry["type"] == "directory" and (number := version_number(_last(entry["name"])))
        )
        files = {_last(entry["name"]) for entry in listed if entry["type"] != "directory"}
        labels = self.read(f"{name}/{LABELS}", SMALL_BYTES) if LABELS in files else None
        traffic = self.read(f"{name}/{TRAFFIC}", SMALL_BYTES) if TRAFFIC in files else None
        return StoredModel(
            tuple(versions),
            None if labels is None else parse_labels(f"{name}/{LABELS}", labels),
            None if traffic is None else parse_traffic(f"{name}/{TRAFFIC}", traffic),
        )

    def claimed_numbers(self, model: str) -> tuple[int, ...]:
        """The numbers that somebody has begun to push, ascending; they are given to nobody else."""
        names = self._names(f"{model}/{CLAIMS}", folders=False)
        return tuple(sorted(number for name in names if (number := version_number(name))))

    def files(self, model: str, version: int) -> dict[str, ObjectFacts]:
        """Every object of the version by its path in it."""
        root = f"{self._root}/{model}/{version}"
        with store_errors(f"version {version} of {model!r} cannot be listed"):
            try:
                found = self._files.find(root, detail=True)
            except FileNotFoundError:
                return {}
        return {
            path.removeprefix(root).lstrip("/"): ObjectFacts(int(facts["size"]), _token(facts))
            for path, facts in found.items()
            if path.startswith(root + "/")
        }

    def read(self, name: str, limit_bytes: int) -> bytes | None:
        """A small object; None when it is not there. IntegrityError when it is larger than the limit, Unreadable."""
        with object_errors(name):
            try:
                with self._files.open(f"{self._root}/{name}", "rb", cache_type="none") as file:
                    content: bytes = file.read(limit_bytes + 1)
            except FileNotFoundError:
                return None
        if len(content) > limit_bytes:
            raise IntegrityError(f"{name} is larger than {limit_bytes:,} bytes")
        return content

    def chunks(self, name: str) -> Iterator[bytes]:
        """The object's bytes, a few megabytes at a time. Raises Unreadable, StoreUnavailable also when it is absent."""
        with (
            object_errors(name),
            self._files.open(f"{self._root}/{name}", "rb", block_size=CHUNK_BYTES, cache_type="none") as file,
        ):
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    def refusal(self, name: str) -> str | None:
        """Why the object may still not be read; None when it may, or is gone."""
        try:
            with (
                object_errors(name),
                suppress(FileNotFoundError),
                self._files.open(f"{self._root}/{name}", "rb", cache_type="none") as file,
            ):
                file.read(1)
        except Unreadable as error:
            return str(error)
        return None

    def write(self, name: str, content: bytes) -> None:
        """Puts a small object in place of what was there."""
        with store_errors(f"{name} cannot be written"):
            self._make_folder(name)
            self._files.pipe_file(f"{self._root}/{name}", content)

    def create(self, name: str, content: bytes) -> bytes:
        """What lies there afterwards: `content`, or what somebody else has put there first.

        A store that knows no conditional write is asked again afterwards, which leaves a moment of milliseconds.
        """
        with store_errors(f"{name} cannot be written"):
            self._make_folder(name)
            try:
                self._files.pipe_file(f"{self._root}/{name}", content, mode="create")
            except OSError:  # FileExistsError, or what a store that is not Amazon's makes of a failed condition
                if not self._files.exists(f"{self._root}/{name}"):
                    raise
        return self.read(name, SMALL_BYTES + len(content)) or b""

    def upload(self, source: Path, name: str) -> None:
        """Puts a file, a few megabytes at a time."""
        with store_errors(f"{name} cannot be written"):
            self._make_folder(name)
            with (
                source.open("rb") as file,
                self._files.open(f"{self._root}/{name}", "wb", block_size=CHUNK_BYTES) as target,
            ):
                while chunk := file.read(CHUNK_BYTES):
                    target.write(chunk)

    def _make_folder(self, name: str) -> None:
        if self.address.scheme == "file":
            self._files.makedirs(f"{self._root}/{name}".rpartition("/")[0], exist_ok=True)

    def _names(self, folder: str, *, folders: bool) -> list[str]:
        return [_last(each["name"]) for each in self._listed(folder) if (each["type"] == "directory") == folders]

    def _listed(self, folder: str) -> list[dict[str, Any]]:
        path = f"{self._root}/{folder}".rstrip("/")
        with store_errors(f"{folder or self.address} cannot be listed"):
            try:
                found: list[dict[str, Any]] = self._files.ls(path, detail=True)
            except (FileNotFoundError, NotADirectoryError):
                return []
        return [each for each in found if each["name"].rstrip("/").lstrip("/") != path.lstrip("/")]


@contextmanager
def store_errors(failure: str) -> Iterator[None]:
    """Raises StoreUnavailable, `failure` and the reason, for whatever a library raises; our own errors pass."""
    try:
        yield
    except PenstockError:
        raise
    except Exception as error:  # three libraries, each with its own tree and those of its transport
        raise StoreUnavailable(f"{failure}: {_reason(error)}") from error


@contextmanager
def object_errors(name: str) -> Iterator[None]:
    """As `store_errors`, and Unreadable where the store refuses the object: fsspec says PermissionError, and gcsfs an
    OSError that begins with `Forbidden`. Credentials that are no good at all fail at the listing before.
    """
    with store_errors(f"{name} cannot be read"):
        try:
            yield
        except OSError as error:
            if isinstance(error, PermissionError) or str(error).startswith("Forbidden"):
                raise Unreadable(name, _reason(error)) from error
            raise


def _reason(error: Exception) -> str:
    """One line of what a library says, without credentials."""
    said = _CREDENTIALS.sub("//", (str(error).strip().splitlines() or [""])[0])
    return said[:200] or type(error).__name__


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _token(facts: Mapping[str, Any]) -> str:
    return next((str(facts[key]) for key in ("ETag", "etag", "generation", "mtime") if facts.get(key)), "")
