"""uvicorn's HTTP protocol, with three short ways for predictions: a whole response in one write, no task where an
application needs none, and no parsing of a head that came before.

ASGI sends an answer in two messages, which cost two system calls, two packets, and a look at every header. The server
announces its third message in the scope, as ASGI wants extensions (https://asgi.readthedocs.io/en/latest/extensions.html).
And it makes a task of every request, with an event to wait for its body: where the application has a method `prepare`,
a POST of up to INLINE_BYTES is handed to what that returns once its body is there, and called the usual way only when
it says so.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from serving.connections.answer_bytes import DefaultHeaders, response_bytes
from serving.connections.guarded_protocol import GuardedProtocol
from serving.known_heads import KnownHead, KnownHeads, head_of
from serving.rest.ask import INLINE_BYTES
from serving.rest.response import WHOLE_RESPONSE, Response, headers_of
from serving.rest.rows_endpoint import paces_itself

_EXTENSIONS: dict[str, dict[object, object]] = {WHOLE_RESPONSE: {}}


class WholeResponseCycle(RequestResponseCycle):
    """One request and its answer."""

    async def send(self, message: Any) -> None:
        if message["type"] != WHOLE_RESPONSE:
            self.disconnected |= self.transport.is_closing()  # what came behind this request may have ended it
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
        default = b"".join(b"%b: %b\r\n" % pair for pair in self.default_headers)
        to_head = self.scope["method"] == "HEAD"
        whole = response_bytes(status, default, headers, body, keep_alive=self.keep_alive, to_head=to_head)
        self.transport.write(whole)
        self.waiting_for_100_continue = False
        self.response_started = self.response_complete = True
        self.message_event.set()
        if not self.keep_alive and not self.more_body:
            self.transport.close()
        self.on_response()


class _Nobody:
    """Waits for no event."""

    def set(self) -> None: ...


class KnownCycle:
    """One request whose head was known, in the place of uvicorn's cycle: it has of that what the protocol looks at."""

    __slots__ = ("_protocol", "disconnected", "keep_alive", "response_complete")
    message_event = _Nobody()

    def __init__(self, protocol: "WholeResponseProtocol") -> None:
        self._protocol = protocol
        self.disconnected = self.response_complete = False
        self.keep_alive = True

    def answer(self, response: Response, request_id: str) -> None:
        protocol, transport = self._protocol, self._protocol.transport
        if self.disconnected or transport.is_closing():
            return
        default = protocol.default.line(protocol.server_state.default_headers)
        headers = headers_of(response, request_id)
        transport.write(response_bytes(response.status, default, headers, response.body, keep_alive=self.keep_alive))
        self.response_complete = True
        if not self.keep_alive:
            transport.close()
        protocol.rest()


@dataclass(slots=True)
class _Coming:
    """A request whose head was known and whose body is not all there: what came, and how many bytes are to come.
    `before` is the cycle of the request before it.
    """

    known: KnownHead
    head_bytes: int
    before: Any
    pieces: list[bytes]
    missing: int


class WholeResponseProtocol(GuardedProtocol):
    """uvicorn's protocol, whose requests are answered by a WholeResponseCycle or a KnownCycle. `heads` and `default`
    are the server's, for all its connections.
    """

    def __init__(self, *arguments: Any, heads: KnownHeads, default: DefaultHeaders, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.default = default
        self._heads = heads
        self._prepare: Any = getattr(self.config.loaded_app, "prepare", None)
        self._held: tuple[WholeResponseCycle, Any] | None = None
        """A request whose body is waited for, with the application."""
        self._cancel: Any = None
        self._head = b""
        """Of the request that is being received, where it came at the beginning of a piece."""
        self._coming: _Coming | None = None

    def data_received(self, data: bytes) -> None:
        if self._coming is not None:
            self._take(self._coming, data)
            return
        if self.is_between and self.is_free():
            self._head = head = head_of(data)
            known = self._heads.find(head)
            if known is not None and len(data) <= len(head) + known.body_bytes and self._may_begin():
                self._wait_for(known, data)
                return
        super().data_received(data)

    def _wait_for(self, known: KnownHead, data: bytes) -> None:
        """From now on a request is under way, whether its body is all there or not."""
        before = self.cycle
        self.cycle = KnownCycle(self)
        self._cancel = None
        missing = len(self._head) + known.body_bytes - len(data)
        if missing:
            self._coming = _Coming(known, len(self._head), before, [data], missing)
        else:
            self._begin_known(known, len(self._head), before, data)

    def _take(self, coming: "_Coming", data: bytes) -> None:
        """A further piece of a request whose head was known."""
        coming.pieces.append(data)
        coming.missing -= len(data)
        if coming.missing > 0:
            return
        self._coming = None
        if coming.missing == 0:
            self._begin_known(coming.known, coming.head_bytes, coming.before, *coming.pieces)
        else:  # the next request has begun, too: a case for the parser
            self.cycle, self._head = coming.before, b""
            super().data_received(b"".join(coming.pieces))

    def _may_begin(self) -> bool:
        """Not on a connection that is about to end, nor for a client that reads slowly: that takes waiting."""
        cycle = self.cycle
        return not self.flow.write_paused and (cycle is None or cycle.keep_alive)

    def _begin_known(self, known: KnownHead, head_bytes: int, before: Any, first: bytes, *others: bytes) -> None:
        """`first` begins with the head, and the body is what follows it there and in the others: copied once."""
        cycle = self.cycle
        body = b"".join((memoryview(first)[head_bytes:], *others)) if others else first[head_bytes:]
        cancel = known.begin(body, cycle.answer)
        if cancel is None:
            self.cycle = before
            super().data_received(b"".join((first, *others)))
        elif not cycle.response_complete:
            self._cancel = cancel

    def rest(self) -> None:
        """What on_response_complete does, where nothing waits behind."""
        if self.pipeline or self.flow.read_paused:
            self.on_response_complete()
            return
        self.server_state.total_requests += 1
        self.resting_since_seconds = self.watch.now_seconds

    def body_coming(self) -> tuple[object, int] | None:
        coming = self._coming
        return super().body_coming() if coming is None else (coming, -coming.missing)

    def paces_itself(self) -> bool:
        scope = self.scope
        return self._coming is None and paces_itself(scope["method"], scope["path"], self.headers)

    def _drop_unfinished(self) -> bool:
        self._held = None
        if self._coming is not None:
            self.cycle, self._coming = self._coming.before, None
            return False
        return super()._drop_unfinished()

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
        if self._prepare is None or cycle.scope["method"] != "POST" or not cycle.more_body:
            return False
        if cycle.waiting_for_100_continue or self.flow.write_paused:
            return False
        length = dict(self.headers).get(b"content-length")
        return length is None or int(length) <= INLINE_BYTES  # one that is too large is refused before it has come

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        if self._held is None:
            return
        if len(self._held[0].body) > INLINE_BYTES:
            (cycle, app), self._held = self._held, None
            super()._start_asgi_task(cycle, app)
        else:
            self.flow.resume_reading()  # uvicorn waits past 64 KB, until the application asks

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self._held is not None and not self._held[0].more_body:
            self._hand_over(*self._held)
        self._head = b""  # what the same piece holds behind it is another request's

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._held = self._coming = None
        if self._cancel is not None:
            self._cancel()

    def _hand_over(self, cycle: WholeResponseCycle, app: Any) -> None:
        """Its answer may come within the call."""
        self._held = None
        body, begin = bytes(cycle.body), self._prepare(cycle.scope)
        if begin is not None and self._head and cycle.keep_alive:
            self._heads.learn(self._head, cycle.scope["raw_path"], list(cycle.scope["headers"]), len(body), begin)
        cancel = begin and begin(body, cycle.answer)
        if cancel is None:
            super()._start_asgi_task(cycle, app)
        elif not cycle.response_complete:
            self._cancel = cancel
