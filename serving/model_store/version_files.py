"""The files of one version, walked and digested the same way when it is published and when it is verified."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path


def walk(folder: Path) -> Iterator[Path]:
    """Everything below `folder` in the order of names: each folder after what it holds, links not followed."""
    with os.scandir(folder) as entries:
        ordered = sorted(entries, key=lambda entry: entry.name)
    for entry in ordered:
        if entry.is_dir(follow_symlinks=False):
            yield from walk(Path(entry))
        yield Path(entry)


def is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def is_plain_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
