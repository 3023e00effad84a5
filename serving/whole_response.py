"""uvicorn's HTTP protocol, with two short ways for predictions: a whole response in one write, and no task where an
application needs none.

ASGI sends an answer in two messages, which cost two system calls, two packets, and a look at every header. The server
announces its third message in the scope, as ASGI wants extensions (https://asgi.readthedocs.io/en/latest/extensions.html).
And it makes a task of every request, with an event to wait for its body: where the application has a method `begin`, a
small POST is handed to that once its body is there, and called the usual way only when it says so.
"""

from collections.abc import Iterable
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from serving.rest.response import WHOLE_RESPONSE, Response, headers_of

SMALL_BYTES = 64 * 1024
"""Bodies up to this are waited for without a task. uvicorn stops reading at as much until somebody takes it."""
_EXTENSIONS: dict[str, dict[object, object]] = {WHOLE_RESPONSE: {}}
_LAST, _LAST_OF_ALL = b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"


class WholeResponseCycle(RequestResponseCycle):
    """One request and its answer."""

    async def send(self, message: Any) -> None:
        if message["type"] != WHOLE_RESPONSE:
            await super().send(message)
            return
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        self.write(message["status"], message["headers"], message["body"])

    def answer(self, response: Response, request_id: str) -> None:
        """The same without waiting for a client that reads slowly: for answers to small requests."""
        self.write(response.status, headers_of(response, request_id), response.body)

    def write(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
        if self.disconnected or self.transport.is_closing():
            return
        head = [STATUS_LINE[status]]
        for name, value in self.default_headers:
            head += (name, b": ", value, b"\r\n")
        for name, value in headers:
            head += (name, b": ", value, b"\r\n")
        head += (b"content-length: ", b"%d" % len(body), _LAST if self.keep_alive else _LAST_OF_ALL, body)
        self.transport.write(b"".join(head))
        self.waiting_for_100_continue = False
        self.response_started = self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


class WholeResponseProtocol(HttpToolsProtocol):
    """uvicorn's protocol, whose requests are answered by a WholeResponseCycle."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._begin: Any = getattr(self.config.loaded_app, "begin", None)
        self._held: tuple[WholeResponseCycle, Any] | None = None
        """A request whose body is waited for, with the application."""
        self._cancel: Any = None

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = _EXTENSIONS

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.__class__ = WholeResponseCycle  # uvicorn makes its own and asks nobody
        self._cancel = None
        if isinstance(cycle, WholeResponseCycle) and app is self.app and self._may_wait(cycle):
            self._held = (cycle, app)
        else:
            super()._start_asgi_task(cycle, app)

    def _may_wait(self, cycle: RequestResponseCycle) -> bool:
        """Not whose client reads slowly, or wants to be asked for its body: that takes waiting in the middle. Nor one
        that waited behind another and is all there: it is started from within the other's answer, and a long line of
        them would be as many calls within calls.
        """
        if self._begin is None or cycle.scope["method"] != "POST" or not cycle.more_body:
            return False
        return len(cycle.body) <= SMALL_BYTES and not cycle.waiting_for_100_continue and not self.flow.write_paused

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        if self._held is not None and len(self._held[0].body) > SMALL_BYTES:
            (cycle, app), self._held = self._held, None
            super()._start_asgi_task(cycle, app)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self._held is not None and not self._held[0].more_body:
            self._hand_over(*self._held)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._held = None
        if self._cancel is not None:
            self._cancel()

    def _hand_over(self, cycle: WholeResponseCycle, app: Any) -> None:
        """Its answer may come within the call."""
        self._held = None
        cancel = self._begin(cycle.scope, bytes(cycle.body), cycle.answer)
        if cancel is None:
            super()._start_asgi_task(cycle, app)
        elif not cycle.response_complete:
            self._cancel = cancel
