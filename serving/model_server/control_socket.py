"""The control socket: how a person on the same machine reaches a running gateway for what must not be on the network.

A Unix socket that only its owner may open (0600). A client sends one line of JSON, an order, and is answered with one
line: `{"ok": true}` or `{"error": "..."}`. What follows is the command's. `record`, the only one so far: 4 bytes of
length (big-endian) and a PredictionLog each, until the client closes its side; then a length of 0 and a line of JSON
with the counts.
"""

import asyncio
import json
import logging
import random
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from socket import socket

from pydantic import ValidationError

from serving.backend_protocol import Arrays
from serving.catalog import CatalogView
from serving.errors import InvalidInput, Overloaded, PenstockError
from serving.model_server.recording import Recording, RecordOrder, check_redaction
from serving.signature_plan import SignaturePlan
from serving.tap import Tap

LENGTH = struct.Struct(">I")
LONGEST_ORDER_BYTES = 4096
MOST_CONNECTIONS = 4
ORDER_SECONDS, END_SECONDS = 10.0, 5.0
"""How long a client may take with its order, and with reading what waited for it at the end."""
_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class ControlSocket:
    """Serves `listener`, which is bound and whose file it does not own; see `control_path.py`."""

    listener: socket
    tap: Tap
    view: Callable[[], CatalogView]
    chance: Callable[[], float] = random.random
    _server: asyncio.Server | None = None
    connections: set[asyncio.StreamWriter] = field(default_factory=set)
    _recordings: set[Recording] = field(default_factory=set)
    _closing: asyncio.Event = field(default_factory=asyncio.Event)
    _gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(
            self._connected, sock=self.listener, limit=LONGEST_ORDER_BYTES, backlog=MOST_CONNECTIONS
        )

    async def close(self) -> None:
        """Ends recordings as if their clients had asked, and returns when all have gone."""
        self._closing.set()
        if self._server:
            self._server.close()
        while self.connections:
            self._gone.clear()
            await self._gone.wait()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.add(writer)
        try:
            with suppress(ConnectionError, TimeoutError):  # who hangs up or stalls ends only its own order
                await self._answer(reader, writer)
        except Exception:  # noqa: BLE001 - the outermost frame of this connection
            _log.exception("an order over the control socket failed")
        finally:
            self.connections.discard(writer)
            self._gone.set()
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            recording = Recording(await self._order(reader), self.chance)
        except PenstockError as error:
            writer.write(_line(error=str(error)))
            await writer.drain()
            return
        writer.write(_line(ok=True))
        self._listen(recording, on=True)
        try:
            await self._send_until_over(recording, reader, writer)
        finally:
            self._listen(recording, on=False)
        async with asyncio.timeout(END_SECONDS):
            while (log := recording.next_log()) is not None:
                await _send(log, writer)
            writer.write(LENGTH.pack(0) + _line(**recording.counts().model_dump()))
            await writer.drain()

    async def _order(self, reader: asyncio.StreamReader) -> RecordOrder:
        if len(self.connections) > MOST_CONNECTIONS:
            raise Overloaded(f"{MOST_CONNECTIONS} are connected already; end one of them", retry_after_seconds=1.0)
        try:
            async with asyncio.timeout(ORDER_SECONDS):
                order = RecordOrder.model_validate_json(await reader.readline())
        except ValidationError as error:
            fault = error.errors(include_url=False, include_context=False)[0]
            where = ".".join(map(str, fault["loc"])) or "the order"
            raise InvalidInput(f"{where}: {fault['msg']}") from error
        except ValueError as error:
            raise InvalidInput(f"an order is one line of JSON, at most {LONGEST_ORDER_BYTES} bytes") from error
        check_redaction(self.view(), order)
        return order

    async def _send_until_over(
        self, recording: Recording, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Until the client closes its side, goes, or the gateway stops."""
        sending = asyncio.create_task(_send_all(recording, writer))
        waiting = {sending, asyncio.create_task(reader.read(1)), asyncio.create_task(self._closing.wait())}
        _, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        if sending.done() and not sending.cancelled():
            sending.result()  # it ends by itself only when the client has gone

    def _listen(self, recording: Recording, *, on: bool) -> None:
        (self._recordings.add if on else self._recordings.discard)(recording)
        self.tap.listener = self._hear if self._recordings else None

    def _hear(self, plan: SignaturePlan, inputs: Arrays) -> None:
        for recording in self._recordings:
            recording.hear(plan, inputs)


async def _send_all(recording: Recording, writer: asyncio.StreamWriter) -> None:
    while True:
        await recording.arrived()
        log = recording.next_log()
        if log is not None:
            await _send(log, writer)
        await asyncio.sleep(0)  # requests go first: one is written down, then whoever else is ready has a turn


async def _send(log: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(LENGTH.pack(len(log)) + log)
    await writer.drain()


def _line(**parts: object) -> bytes:
    return json.dumps(parts).encode() + b"\n"
