"""Reading a caller's files, with this package's error instead of the operating system's."""

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import BinaryIO

from penstock_client.errors import UnreadableFile


def read_file(path: str | PathLike[str]) -> bytes:
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a string that no path can be, such as one with a NUL
        raise _unreadable(path, error) from error


@contextmanager
def open_file(path: str | PathLike[str]) -> Iterator[BinaryIO]:
    """To be read piece by piece. Raises UnreadableFile."""
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - closed below; what fails in the body is not the opening
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    with file:
        yield file


def _unreadable(path: str | PathLike[str], error: OSError | ValueError) -> UnreadableFile:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return UnreadableFile(f"cannot read {str(path)[:200]!r}: {reason}")
