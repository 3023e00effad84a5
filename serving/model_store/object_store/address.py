"""Where an object store is: a URL as people write it, taken apart and checked. Pure."""

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import unquote, urlsplit

from serving.errors import InvalidSettings

Scheme: TypeAlias = Literal["s3", "gs", "file"]
SCHEMES: tuple[Scheme, ...] = ("s3", "gs", "file")
KNOWN = "s3://bucket/prefix, gs://bucket/prefix, or a folder's path"
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,220}[A-Za-z0-9]")


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """`path` is bucket/prefix, or an absolute path where `scheme` is "file"; no slash at its end."""

    scheme: Scheme
    path: str

    def __str__(self) -> str:
        return self.path if self.scheme == "file" else f"{self.scheme}://{self.path}"


def parse_address(text: str, *, folder: str) -> StoreAddress:
    """The address in `text`; a relative path is one under `folder`.

    Raises InvalidSettings, which never repeats a password.
    """
    if not _URL.match(text):
        return _folder(text if text.startswith("/") else f"{folder.rstrip('/')}/{text}")
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise InvalidSettings(f"this is no URL of a store; it is {KNOWN}") from error
    if "@" in parts.netloc:
        raise InvalidSettings(
            "a store's URL holds no user and no password: the environment or the machine's identity gives them"
        )
    if parts.query or parts.fragment:
        raise InvalidSettings("a store's URL has no '?' and no '#'")
    scheme = next((known for known in SCHEMES if known == parts.scheme.lower()), None)
    if scheme is None:
        raise InvalidSettings(f"{parts.scheme!r} is no kind of store; it is {KNOWN}")
    if scheme == "file":
        if parts.netloc not in ("", "localhost"):
            raise InvalidSettings("a file URL names no machine: three slashes before the path")
        return _folder(unquote(parts.path))
    return _bucket(scheme, parts.netloc, parts.path)


def _bucket(scheme: Scheme, bucket: str, prefix: str) -> StoreAddress:
    if not _BUCKET.fullmatch(bucket):
        raise InvalidSettings(f"{bucket[:64]!r} is no bucket's name; a store is {KNOWN}")
    return StoreAddress(scheme, "/".join([bucket, *_segments(prefix)]))


def _folder(path: str) -> StoreAddress:
    return StoreAddress("file", "/" + "/".join(_segments(path)))


def _segments(path: str) -> list[str]:
    segments = [segment for segment in path.split("/") if segment not in ("", ".")]
    if any(segment == ".." or not segment.isprintable() or "\\" in segment for segment in segments):
        raise InvalidSettings("a store's path has no '..', no backslash and no control character")
    return segments
