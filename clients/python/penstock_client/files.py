"""Reading a caller's files, with this package's error instead of the operating system's."""

from os import PathLike
from pathlib import Path

from penstock_client.errors import UnreadableFile


def read_file(path: str | PathLike[str]) -> bytes:
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a string that no path can be, such as one with a NUL
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UnreadableFile(f"cannot read {str(path)[:200]!r}: {reason}") from error
