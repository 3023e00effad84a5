"""Processes that start with what they import: forked by a process that has imported it, one for each tester.

Importing TensorFlow and Keras takes five seconds of a processor, which many tests would pay each. A process from here
is one like any other: it has its own id, environment, folder and streams, is killed and waited for, and ends as
an interpreter does. What it does not prove is that the command line imports what it needs by itself: for each verb
some test starts the true command line (`tests/processes.py::penstock`, or plain subprocess), and so does every test
of what TensorFlow reads of the environment as it is imported, which is refused here.
"""

import atexit
import functools
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PENSTOCK = "-m penstock_cli"
"""Instead of a script: the command line."""
READ_AT_IMPORT = (
    "CUDA_VISIBLE_DEVICES", "KERAS_BACKEND", "KERAS_HOME", "LD_PRELOAD", "OMP_NUM_THREADS", "TF_CPP_MIN_LOG_LEVEL",
    "TF_ENABLE_ONEDNN_OPTS", "XLA_FLAGS",
)  # fmt: skip
"""Variables that come too late for a process from here."""
RUN_SECONDS = 600.0
"""A bound for what is run to its end, far beyond what it takes."""


@dataclass(frozen=True, slots=True)
class Preload:
    """What is imported and called of it (`module:function:argument`), with which changes of the environment."""

    modules: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()


TRAINING = Preload(
    ("training.__main__", "training.pipeline", "training.tune_verb", "training.tuning"),
    # as training/environment.py sets them before it imports TensorFlow
    (("KERAS_BACKEND", "tensorflow"), ("TF_CPP_MIN_LOG_LEVEL", "3"), ("TF_ENABLE_ONEDNN_OPTS", "0")),
)
MESSAGES = "tensorflow_serving.apis.prediction_service_pb2"
SERVING = Preload(
    (
        "serving.__main__",
        "serving.serve",
        "uvicorn.lifespan.on",
        "serving.backends.embedded.c_api:load_library",
        f"serving.backends.tensorflow_messages:message_module:{MESSAGES}",
    )
)
STORE = Preload(("serving.__main__", "serving.mirror_verb", "serving.push_verb", "s3fs"))


class Preloaded(subprocess.Popen[str]):
    """A process forked from one that has what `preload` says; all else is as of any Popen.

    The two methods that it has of its own are those by which Popen starts a process and waits for it.
    """

    def __init__(self, preload: Preload, words: Sequence[str | os.PathLike[str]], **options: Any) -> None:
        self._preload, self._control = preload, _server(preload)
        super().__init__(words, text=True, **options)

    def _execute_child(self, words: Sequence[str], *settings: Any) -> None:
        _, _, _, _, folder, environment, _, _, _, *streams = settings[:15]
        to_stdin, _, _, from_stdout, _, from_stderr = streams
        asked = {
            "words": [os.fspath(word) for word in words],
            "folder": os.fspath(folder or Path.cwd()),
            "environment": _checked(self._preload, os.environ if environment is None else environment),
        }
        self._told, teller = socket.socketpair()
        given = [own if own >= 0 else place for place, own in enumerate((to_stdin, from_stdout, from_stderr))]
        with teller:
            socket.send_fds(self._control, [json.dumps(asked).encode()], [teller.fileno(), *given])
        process = self._told.recv(8)
        assert process, "the process that forks has ended"
        self.pid = int.from_bytes(process)
        self._child_created = True
        self._close_pipe_fds(*streams)  # type: ignore[attr-defined] # Popen's own

    def _internal_poll(self, *_: Any, **__: Any) -> int | None:
        if self._waitpid_lock.acquire(blocking=False):  # type: ignore[attr-defined] # Popen's own, as below
            try:
                process, status = (0, 0) if self.returncode is not None else self._try_wait(os.WNOHANG)
                if process:
                    self._handle_exitstatus(status)  # type: ignore[attr-defined]
            finally:
                self._waitpid_lock.release()  # type: ignore[attr-defined]
        return self.returncode

    def _try_wait(self, flags: int) -> tuple[int, int]:
        self._told.setblocking(not flags & os.WNOHANG)
        try:
            status = self._told.recv(8)
        except BlockingIOError:
            return 0, 0
        self._told.close()
        assert status, "the process that forks has ended"
        return self.pid, int.from_bytes(status)


def run_preloaded(
    words: Sequence[str | os.PathLike[str]], preload: Preload = TRAINING, /, **environment: str
) -> subprocess.CompletedProcess[str]:
    """A script or `PENSTOCK` with its arguments, run to its end."""
    with start_preloaded(words, preload, **environment) as process:
        try:
            output, errors = process.communicate(timeout=RUN_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return subprocess.CompletedProcess(list(words), process.returncode, output, errors)


def start_preloaded(
    words: Sequence[str | os.PathLike[str]], preload: Preload = TRAINING, /, **environment: str
) -> subprocess.Popen[str]:
    """A script or `PENSTOCK` with its arguments; both outputs are pipes."""
    return Preloaded(preload, words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **environment})


def _checked(preload: Preload, environment: Mapping[str, str]) -> dict[str, str]:
    """What is the tester's own is not asked for: tests in its process may have set it meanwhile."""
    changes = dict(preload.environment)
    for name in READ_AT_IMPORT:
        asked = environment.get(name)
        assert asked in {os.environ.get(name), changes.get(name)}, f"{name} was read when TensorFlow was imported"
    return {**environment, **changes}


@functools.cache
def _server(preload: Preload) -> socket.socket:
    control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.preloading", str(theirs.fileno()), *preload.modules],
            stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], cwd=ROOT, start_new_session=True,
            env={**os.environ, **dict(preload.environment)},
        )  # fmt: skip

    def end() -> None:
        control.close()
        process.wait()

    atexit.register(end)
    return control
