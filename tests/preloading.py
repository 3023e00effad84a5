"""Runs by itself: has imported what a command needs, and forks a process for each command that it is asked for.

usage: python -m tests.preloading CONTROL_FD MODULE[:FUNCTION[:ARGUMENT]]...
Started by tests/preloaded.py, which says when to use it.

One message on the control socket asks for a process: JSON of its words, folder and environment, and four descriptors,
a socket for what is told of it and its standard streams. Told are the process id, and once it has ended its wait status
(8 bytes each). When the control socket ends, whatever was forked and still runs is killed.

Nothing but modules is there before the fork: TensorFlow has made no context, and the only threads are those of
OpenBLAS and jemalloc, which stop and start them around a fork themselves.
"""

import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import penstock_cli

MESSAGE_BYTES = 1 << 20
DESCRIPTORS = 4


class Server:
    """The processes that were forked and have not ended."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.watched = selectors.DefaultSelector()
        self.watched.register(control, selectors.EVENT_READ)

    def serve(self) -> dict[str, Any]:
        """Comes back in each forked process, with what it was asked for; ends when nobody asks any more."""
        while True:
            for key, _ in self.watched.select():
                if key.data is None:
                    asked = self._asked()
                    if asked is not None:
                        return asked
                else:
                    self._ended(key.fd, *key.data)

    def _asked(self) -> dict[str, Any] | None:
        message, descriptors, _, _ = socket.recv_fds(self.control, MESSAGE_BYTES, DESCRIPTORS)
        if not message:
            self._end()
        told, *streams = descriptors
        process = os.fork()
        if process == 0:
            self._become(told, streams)
            asked: dict[str, Any] = json.loads(message)
            return asked
        for stream in streams:
            os.close(stream)
        os.write(told, process.to_bytes(8))
        self.watched.register(os.pidfd_open(process), selectors.EVENT_READ, (process, told))
        return None

    def _become(self, told: int, streams: list[int]) -> None:
        """What a new process has open: its three streams."""
        for key in list(self.watched.get_map().values()):
            os.close(key.fd)
            if key.data:
                os.close(key.data[1])
        self.control.detach()
        self.watched.close()
        os.close(told)
        for place, stream in enumerate(streams):
            os.dup2(stream, place)
            os.close(stream)

    def _ended(self, pidfd: int, process: int, told: int) -> None:
        self.watched.unregister(pidfd)
        os.close(pidfd)
        _, status = os.waitpid(process, 0)
        with socket.socket(fileno=told) as hearer:
            hearer.send(status.to_bytes(8), socket.MSG_NOSIGNAL | socket.MSG_DONTWAIT)

    def _end(self) -> None:
        for key in self.watched.get_map().values():
            if key.data:
                os.kill(key.data[0], signal.SIGKILL)
        os._exit(0)


def run(asked: dict[str, Any]) -> None:
    """As `python -m penstock_cli WORDS` or `python SCRIPT WORDS` would, in that folder and environment."""
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.stdout.reconfigure(line_buffering=bool(os.environ.get("PYTHONUNBUFFERED")))  # type: ignore[union-attr] # a file
    sys.path[1:1] = [folder for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder]
    first, *words = asked["words"]
    sys.argv = [first, *words]
    if first == "-m penstock_cli":
        sys.path[0] = str(Path.cwd())
        raise SystemExit(penstock_cli.main(words))
    sys.path[0] = str(Path(first).parent)
    runpy.run_path(first, run_name="__main__")


def main(control: str, *modules: str) -> None:
    for each in modules:
        module, *call = each.split(":")
        imported = importlib.import_module(module)
        if call:
            getattr(imported, call[0])(*call[1:])
    gc.collect()
    gc.freeze()  # what all share stays shared, and no collection looks through it
    run(Server(socket.socket(fileno=int(control))).serve())


if __name__ == "__main__":
    main(*sys.argv[1:])
