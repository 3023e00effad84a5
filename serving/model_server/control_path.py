"""Where control sockets lie: the file a gateway makes, one beside it for each of several workers."""

import errno
import re
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from serving.errors import BackendUnavailable

LONGEST_PATH_BYTES = 107
"""What Linux has room for in a socket's address (unix(7))."""


def worker_path(path: Path, worker: int) -> Path:
    """Worker 0 of a gateway with `control_socket = /run/penstock.sock` listens at /run/penstock.sock.0."""
    return path.with_name(f"{path.name}.{worker}")


def control_paths(path: Path) -> tuple[Path, ...]:
    """The sockets of the gateway whose `control_socket` is `path`, as far as they are there."""
    numbered = re.compile(re.escape(path.name) + r"\.[0-9]+")
    try:
        beside = sorted(each for each in path.parent.iterdir() if numbered.fullmatch(each.name) and each.is_socket())
    except OSError:
        return ()
    return (path, *beside) if path.is_socket() else tuple(beside)


@contextmanager
def control_listener(path: Path) -> Iterator[socket.socket]:
    """A socket at `path`, mode 0600, bound and not yet listening; the file goes when the block ends.

    A file that a killed gateway left is replaced. Raises BackendUnavailable when a gateway answers there, when
    something else is in the way, and when the socket cannot be made.
    """
    if len(str(path).encode()) > LONGEST_PATH_BYTES:
        raise BackendUnavailable(
            f"control_socket: {path} is longer than the {LONGEST_PATH_BYTES} bytes a socket may be"
        )
    _clear_the_way(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        path.chmod(0o600)  # before it listens: until then nobody can connect
    except OSError as error:
        listener.close()
        raise BackendUnavailable(f"control_socket: cannot make {path}: {error.strerror}") from error
    made = path.stat()
    try:
        yield listener
    finally:
        listener.close()
        _remove(path, made.st_ino)


def _clear_the_way(path: Path) -> None:
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise BackendUnavailable(f"control_socket: {path} is there already and is no socket; name another path")
    except FileNotFoundError:
        return
    if _answers(path):
        raise BackendUnavailable(f"control_socket: another gateway answers at {path}; stop it or name another path")
    path.unlink(missing_ok=True)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)  # a full backlog is an answer too
        code = probe.connect_ex(str(path))
    return code not in (errno.ECONNREFUSED, errno.ENOENT)


def _remove(path: Path, inode: int) -> None:
    """Unless another gateway has put its own there meanwhile."""
    try:
        if path.stat().st_ino == inode:
            path.unlink()
    except OSError:
        return
