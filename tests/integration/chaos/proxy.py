"""A TCP proxy that spoils what passes through it: a process of its own, told what to do by lines on a control socket.

usage: python -m tests.integration.chaos.proxy TARGET_PORT SEED; prints {"port": ..., "control": ...}. A line on the
control socket is a mode's name; it is answered once the mode holds.
"""

import asyncio
import contextlib
import json
import random
import socket
import struct
import sys
from dataclasses import dataclass, field
from enum import StrEnum

PIECE_BYTES = 65536
DRIP_BYTES, DRIP_SECONDS = 16, 0.002
DELAY_SECONDS, JITTER_SECONDS = 0.02, 0.03
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Mode(StrEnum):
    """`STALL` passes nothing on and keeps it; `TRUNCATE` sends half a piece of an answer and hangs up; `HALF_CLOSE`
    says to callers that no more will come, and goes on taking.
    """

    PASS = "pass"  # noqa: S105 - no password
    STALL = "stall"
    RESET = "reset"
    REFUSE = "refuse"
    HALF_CLOSE = "half-close"
    TRUNCATE = "truncate"
    DELAY = "delay"
    DRIP = "drip"


@dataclass
class Proxy:
    """`callers` are the connections of those who ask."""

    target: int
    chance: random.Random
    mode: Mode = Mode.PASS
    port: int = 0
    callers: set[asyncio.StreamWriter] = field(default_factory=set)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def turn_to(self, mode: Mode) -> None:
        before, self.mode = self.mode, mode
        self._changed.set()
        self._changed = asyncio.Event()
        if mode is Mode.REFUSE and self._server is not None:
            self._server.close()
        elif before is Mode.REFUSE:
            await self.listen()
        for caller in list(self.callers):
            if mode in (Mode.RESET, Mode.REFUSE):
                _reset(caller)
            elif mode is Mode.HALF_CLOSE:
                _half_close(caller)

    async def _take(self, from_caller: asyncio.StreamReader, to_caller: asyncio.StreamWriter) -> None:
        if self.mode is Mode.RESET:
            _reset(to_caller)
            return
        self.callers.add(to_caller)
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            _reset(to_caller)
            self.callers.discard(to_caller)
            return
        try:
            await asyncio.gather(
                self._pump(from_caller, to_server, answers=False), self._pump(from_server, to_caller, answers=True)
            )
        except OSError:
            pass  # what one side does to its connection, the other is to see
        finally:
            self.callers.discard(to_caller)
            _reset(to_caller)
            _reset(to_server)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool) -> None:
        while piece := await reader.read(PIECE_BYTES):
            await self._pass_on(piece, writer, answers=answers)
        writer.write_eof()

    async def _pass_on(self, piece: bytes, writer: asyncio.StreamWriter, *, answers: bool) -> None:
        while self.mode is Mode.STALL:
            await self._changed.wait()
        if answers and self.mode is Mode.TRUNCATE:
            writer.write(piece[: len(piece) // 2])
            await writer.drain()
            raise ConnectionAbortedError
        if answers and self.mode is Mode.HALF_CLOSE:
            _half_close(writer)
        if answers and writer.transport.is_closing():
            return
        if self.mode is Mode.DELAY:
            await asyncio.sleep(DELAY_SECONDS + JITTER_SECONDS * self.chance.random())
        step = DRIP_BYTES if self.mode is Mode.DRIP else len(piece)
        for start in range(0, len(piece), step):
            with contextlib.suppress(RuntimeError):  # half-closed: nothing more can be said on it
                writer.write(piece[start : start + step])
            await writer.drain()
            if step < len(piece):
                await asyncio.sleep(DRIP_SECONDS)


def _reset(writer: asyncio.StreamWriter) -> None:
    """The connection ends without a goodbye (RST)."""
    connection = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()


def _half_close(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, RuntimeError):
        writer.write_eof()


async def main(target: int, seed: int) -> None:
    proxy = Proxy(target, random.Random(seed))
    await proxy.listen()

    async def obey(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            await proxy.turn_to(Mode(line.decode().strip()))
            writer.write(line)
            await writer.drain()
        writer.close()

    control = await asyncio.start_server(obey, "127.0.0.1", 0)
    told = {"port": proxy.port, "control": control.sockets[0].getsockname()[1]}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    await control.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
