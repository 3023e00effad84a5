"""Whole files, replaced at once: a reader, or a machine that lost power, sees the old bytes or the new, never a mix."""

import os
from pathlib import Path


def write_atomically(path: Path, content: bytes, *, mode: int | None = None) -> None:
    """Replaces `path` with `content`, on the disk when this returns. One writer at a time, which a lock sees to.

    The temporary file's name is fixed, so that what a killed writer left is overwritten by the next one. It takes its
    mode from the umask, unlike tempfile's 0600: the model server often runs as another user. With a `mode` of its own
    the file is nobody else's to open at any moment.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    if mode is not None:
        temporary.unlink(missing_ok=True)  # one that was left is open to whom it was open to
        temporary.touch(0o600, exist_ok=False)
    with temporary.open("wb") as file:
        file.write(content)
        if mode is not None:
            os.fchmod(file.fileno(), mode)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Returns when the file's bytes, or the folder's list of names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
