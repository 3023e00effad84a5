"""What a gateway image takes of TensorFlow's wheels: the message modules it names and what these import, nothing else.

usage: python -m serving.backends.tensorflow_parts [--library] FOLDER WHEEL...

Runs while an image is built, so it needs Python alone. Packages come out without an `__init__.py`: TensorFlow's own
would start TensorFlow, and Python finds modules in folders without one.
"""

import argparse
import ast
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Protocol, TypeAlias

SERVING = Path(__file__).parents[1]
MESSAGES = re.compile(r"tensorflow(_serving)?(\.\w+)+_pb2(_grpc)?")
"""The full name of a generated module."""
LIBRARIES = ("tensorflow/libtensorflow_cc.so.2", "tensorflow/libtensorflow_framework.so.2")
"""TensorFlow's C API and what it is linked with, for the embedded backend on Linux."""


class Folder(Protocol):
    """A folder of packages, or a wheel read as one: `Path` and `zipfile.Path` both are."""

    def joinpath(self, *other: str) -> "Folder": ...
    def is_file(self) -> bool: ...
    def read_bytes(self) -> bytes: ...


Parts: TypeAlias = dict[PurePosixPath, bytes]


def named_messages(package: Path) -> set[str]:
    """Every message module that the sources below `package` name, as a text or in an import."""
    return {name for path in package.rglob("*.py") for name in _names(path.read_bytes())}


def message_modules(names: Iterable[str], sources: Sequence[Folder]) -> Parts:
    """The files of the modules `names` and of all message modules that they import, directly or not.

    Raises FileNotFoundError for one that is in none of the `sources`.
    """
    parts: Parts = {}
    wanted = sorted(names)
    while wanted:
        path = PurePosixPath(wanted.pop().replace(".", "/") + ".py")
        if path not in parts:
            parts[path] = _read(path, sources)
            wanted.extend(_names(parts[path]))
    return parts


def libraries(sources: Sequence[Folder]) -> Parts:
    """TensorFlow's C API with its libraries. Raises FileNotFoundError when the sources lack one."""
    return {path: _read(path, sources) for path in map(PurePosixPath, LIBRARIES)}


def _read(path: PurePosixPath, sources: Sequence[Folder]) -> bytes:
    for source in sources:
        found = source.joinpath(str(path))
        if found.is_file():
            return found.read_bytes()
    raise FileNotFoundError(f"{path} is in none of the wheels")


def _names(source: bytes) -> Iterator[str]:
    if b"_pb2" not in source:
        return  # most files: they need not be parsed
    for node in ast.walk(ast.parse(source)):
        for name in _mentioned(node):
            if MESSAGES.fullmatch(name):
                yield name


def _mentioned(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def write_parts(parts: Parts, folder: Path) -> None:
    for path, content in parts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", action="store_true", help="TensorFlow's C API too, for the embedded backend")
    parser.add_argument("folder", type=Path)
    parser.add_argument("wheels", nargs="+", metavar="WHEEL", help="or a folder of installed packages")
    arguments = parser.parse_args(argv)
    sources: list[Folder] = [Path(wheel) if Path(wheel).is_dir() else zipfile.Path(wheel) for wheel in arguments.wheels]
    parts = message_modules(named_messages(SERVING), sources)
    if arguments.library:
        parts |= libraries(sources)
    write_parts(parts, arguments.folder)
    megabytes = sum(map(len, parts.values())) / 1e6
    sys.stdout.write(f"{len(parts)} files, {megabytes:.1f} MB\n")


if __name__ == "__main__":
    main(sys.argv[1:])
