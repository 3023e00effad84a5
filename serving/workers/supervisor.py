"""The supervisor of several workers: holds the ports, starts the workers, brings back who dies, stops them all.

It answers no request and imports no more than that takes: neither the web framework nor gRPC nor TensorFlow's library.
Workers are programs of their own and no forks, for threads and locks of such libraries do not survive a fork.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from serving.errors import BackendUnavailable
from serving.listening import bound_socket, log_to_stderr
from serving.observability.ledger import SharedFiles, forget_moment, make_shared_files
from serving.settings import Settings
from serving.workers.channel import Order, Report, read_report
from serving.workers.pauses import next_pause_seconds
from serving.workers.share import share_of

LATE_SECONDS = 5.0
"""Beyond the drain, for what follows it: closing the models. Whoever still runs then is killed."""
_STOPPED = (0, -signal.SIGTERM)
"""How a worker ends that was asked to: the signal itself ends one that has not begun to serve."""
_LONGEST_LINE_BYTES = 64 * 1024 * 1024
"""A greeting has an example of every model, be it a picture."""
_log = logging.getLogger(__name__)


def run_workers(settings: Settings, say: Callable[[str], object]) -> None:
    """Serve with `settings.workers` processes until SIGTERM or Ctrl-C; then let all finish what is in, and return.

    Raises BackendUnavailable when an address is taken, or when a worker ends before all of them have been up.
    """
    log_to_stderr(settings.log_level, settings.log_format, "supervisor")
    with (
        _held_port(settings.host, settings.port, "--port") as port,
        _held_port(settings.host, settings.grpc_port, "--grpc-port") as grpc_port,
    ):
        files = make_shared_files(settings.workers)
        asyncio.run(_Supervisor(share_of(settings, port, grpc_port), files, say).run())


@contextmanager
def _held_port(host: str, port: int, option: str) -> Iterator[int]:
    """The port, taken for this gateway alone while the block lasts. The socket never listens.

    It is bound as if nobody else might have the port, so that a second gateway fails; workers may join it from then on.
    """
    with bound_socket(host, port, option) as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        yield held.getsockname()[1]


@dataclass(slots=True)
class _Supervisor:
    settings: Settings
    """Those of one worker."""
    files: SharedFiles
    say: Callable[[str], object]
    _running: dict[int, Process] = field(default_factory=dict)
    _up: set[int] = field(default_factory=set)
    """Workers that have been up once; when all have, the gateway stands."""
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _failures: list[str] = field(default_factory=list)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked_to_stop, number)
        keeping = [asyncio.create_task(self._keep(number)) for number in range(self.settings.workers)]
        killing = asyncio.create_task(self._kill_the_late())
        await asyncio.gather(*keeping)
        killing.cancel()
        if self._failures:
            raise BackendUnavailable(self._failures[0])

    def _asked_to_stop(self, number: int) -> None:
        """A second Ctrl-C is passed on: it ends a worker's drain."""
        again = self._stopping.is_set() and number == signal.SIGINT
        self._stop(signal.SIGINT if again else signal.SIGTERM)

    def _stop(self, number: int) -> None:
        self._stopping.set()
        for process in self._running.values():
            _send(process, number)

    async def _kill_the_late(self) -> None:
        await self._stopping.wait()
        await asyncio.sleep(self.settings.drain_seconds + LATE_SECONDS)
        for number, process in self._running.items():
            self._failures.append(f"worker {number} did not stop in time and was killed")
            _send(process, signal.SIGKILL)

    async def _keep(self, number: int) -> None:
        """Worker `number`, one life after the other."""
        pause = 0.0
        while not self._stopping.is_set():
            began = time.monotonic()
            failed = await self._live(number)
            forget_moment(self.files, number)
            if self._stopping.is_set():
                return
            if len(self._up) < self.settings.workers:
                self._failures.append(failed)
                self._stop(signal.SIGTERM)
                return
            pause = next_pause_seconds(time.monotonic() - began, pause)
            lost = {"event": "worker_down", "worker": number}
            _log.warning("%s; starting it again in %.1f s", failed, pause, extra=lost)
            await self._rest(pause)

    async def _live(self, number: int) -> str:
        """One life of worker `number`; what is to be said of its end."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = await self._start(theirs)
            except (OSError, RuntimeError) as error:  # the second where no thread can be made to watch the process
                ours.close()  # by which a process that nobody watches ends
                return f"worker {number} could not be started: {error}"
        self._running[number] = process
        if self._stopping.is_set():  # meanwhile
            _send(process, signal.SIGTERM)
        told = await self._converse(number, ours)
        code = await process.wait()
        del self._running[number]
        if self._stopping.is_set() and code not in _STOPPED:
            self._failures.append(f"worker {number} ended with {_described(code)} instead of stopping")
        return told or f"worker {number} ended with {_described(code)}"

    async def _start(self, channel: socket.socket) -> Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "serving.workers.worker", str(channel.fileno())),
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=(channel.fileno(), *self.files.counts, self.files.board),
            process_group=0,  # a terminal's Ctrl-C comes to the supervisor alone, which passes it on in order
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)},
        )

    async def _converse(self, number: int, channel: socket.socket) -> str:
        """Until the worker hangs up; why it failed, if it said so."""
        told = ""
        reader, writer = await asyncio.open_connection(sock=channel, limit=_LONGEST_LINE_BYTES)
        with closing(writer):
            writer.write(Order(number, self.settings, self.files).line())
            while line := await _line(reader):
                report = read_report(line)
                told = report.failed
                self._heard(number, report)
        return told

    def _heard(self, number: int, report: Report) -> None:
        if not report.ready:
            return
        pid = self._running[number].pid
        _log.info("worker %d is up (process %d)", number, pid, extra={"event": "worker_up", "worker": number})
        stood = len(self._up) == self.settings.workers
        self._up.add(number)
        if not stood and len(self._up) == self.settings.workers:
            self.say(report.ready)

    async def _rest(self, pause_seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_seconds):
                await self._stopping.wait()


async def _line(reader: asyncio.StreamReader) -> bytes:
    """Empty at the end, also at that of a worker that was killed with something unread."""
    with suppress(ConnectionError):
        return await reader.readline()
    return b""


def _send(process: Process, number: int) -> None:
    with suppress(ProcessLookupError):  # it ended in this very moment
        process.send_signal(number)


def _described(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {-code} ({signal.strsignal(-code)})"
