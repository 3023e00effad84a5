"""uvicorn's HTTP protocol within limits: uvicorn's own reads a head of any length for as long as it comes, and waits
for ever for a body and for a client that does not read.

A request that comes whole costs nothing more. What a connection waits for is found out when the watch looks at it,
about once a second: by which request it was the last time, and by the bytes that came since.
"""

import logging
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.connections.limits import FRAMING_PER_BODY_BYTE, LINGER_SECONDS, MOST_FRAMING_BYTES, MOST_PIPELINED
from serving.connections.refusals import (
    BAD_CHUNKS,
    NO_ROOM,
    NOT_HTTP,
    SLOW_BODY,
    SLOW_HEAD,
    TOO_MANY_PIPELINED,
    Refused,
    check_head,
    long_head,
    long_target,
    refusal_bytes,
)
from serving.connections.watch import Watch

_log = logging.getLogger(__name__)


class GuardedProtocol(HttpToolsProtocol):
    """`watch` is the server's, for all its connections."""

    cycle: Any
    """None before the first request, whatever uvicorn's types say."""

    def __init__(self, *arguments: Any, watch: Watch, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.watch = watch
        self.address = ""
        self.is_between = True
        """Whether the parser has seen whole requests only."""
        self.resting_since_seconds = watch.now_seconds
        """By the watch's clock: when the last request was answered, or the connection made."""
        self._is_in_head = False
        self._head_bytes = self._read_bytes = self._framed_bytes = self._body_bytes = 0
        self._last_words: bytes | None = None
        """What the connection ends with; nothing is read any more."""
        self._has_ended = False
        self._awaited: object = None
        """What was waited for at the last look, since when, and how many bytes of it were there then."""
        self._awaited_since_seconds, self._awaited_bytes = 0.0, 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.address = self.client[0] if self.client else ""
        self.resting_since_seconds = self.watch.now_seconds
        if not self.watch.admit(self):
            self.is_between, self._last_words = False, self._words_for(NO_ROOM)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.watch.leave(self)

    def data_received(self, data: bytes) -> None:
        if self._last_words is not None:
            if self.cycle is None and not self._has_ended:
                self._end()  # turned away: it is told so once it asks, or it would be reset instead
            return
        before, scope, body_bytes, begins = self.cycle, self.scope, self._body_bytes, self.is_between
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.is_between, self._last_words = False, b""  # the request is answered as it is, and is the last
        except httptools.HttpParserError as error:
            self._refuse_for(error)
        else:
            if not self.is_between and before is self.cycle and (begins or scope is self.scope):
                self._check_framing(len(data), self._body_bytes - body_bytes)

    def _check_framing(self, read_bytes: int, body_bytes: int) -> None:
        """Of a piece that holds one request's bytes alone, and not its end."""
        if self._is_in_head:
            self._read_bytes += read_bytes
            if self._read_bytes > self.watch.limits.max_head_bytes:
                self.refuse(long_head(self.watch.limits))
            return
        self._framed_bytes += read_bytes - body_bytes
        if self._framed_bytes > MOST_FRAMING_BYTES + FRAMING_PER_BODY_BYTE * self._body_bytes:
            self.refuse(BAD_CHUNKS)

    def _refuse_for(self, error: httptools.HttpParserError) -> None:
        cause = error.__context__ if isinstance(error, httptools.HttpParserCallbackError) else None
        if isinstance(cause, Refused):
            self.refuse(cause)
            return
        if cause is not None and not isinstance(cause, httptools.HttpParserError):
            _log.error("a request could not be read", exc_info=cause)
        self.refuse(NOT_HTTP)

    # What the parser says

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if len(self.pipeline) >= MOST_PIPELINED:
            raise TOO_MANY_PIPELINED
        self.is_between, self._is_in_head = False, True
        self._head_bytes = self._read_bytes = self._framed_bytes = self._body_bytes = 0

    def on_url(self, url: bytes) -> None:
        if len(self.url) + len(url) > self.watch.limits.max_target_bytes:
            raise long_target(self.watch.limits)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._is_in_head:
            return  # a trailer: read, and thrown away (RFC 9110, 6.5.1), or it would pass for a header
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes > self.watch.limits.max_head_bytes or len(self.headers) >= self.watch.limits.max_headers:
            raise long_head(self.watch.limits)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        check_head(self.parser.get_method(), self.parser.get_http_version(), self.headers)
        self._is_in_head = False
        super().on_headers_complete()
        if self.parser.should_upgrade():
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.is_between = True
        super().on_message_complete()

    # How a connection ends

    def refuse(self, reason: Refused) -> None:
        """Answer what is whole, then say why no more is read, and close."""
        self.watch.closed[f"{reason.status} {reason.code}"] += 1
        self._last_words = self._words_for(reason)
        waits_behind = self._drop_unfinished()
        self.is_between = False
        if waits_behind:
            self.flow.pause_reading()
        else:
            self._end()

    def _drop_unfinished(self) -> bool:
        """Forget the request that is not whole. True where others before it are still to be answered."""
        cycle = self.cycle
        if self._is_in_head or self.is_between or cycle is None:
            return not self.is_free()
        if self.pipeline and self.pipeline[0][0] is cycle:
            self.pipeline.popleft()
            return True
        if not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:  # half an answer is told by its end alone
                self._last_words = b""
        return False

    def _words_for(self, reason: Refused) -> bytes:
        return refusal_bytes(reason, self.server_state.default_headers, self.watch.request_ids.of(None))

    def _end(self) -> None:
        self._has_ended = True
        if self.transport.is_closing():
            return
        if self._last_words:
            self.transport.write(self._last_words)
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self.flow.resume_reading()
        else:
            self.transport.close()

    def give_up(self) -> None:
        self.transport.abort()

    # Between requests. Each has a timer in uvicorn; here there is the watch.

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        self.resting_since_seconds = self.watch.now_seconds
        if self.transport.is_closing():
            return
        if self.pipeline:
            self.flow.resume_reading()
            self._start_asgi_task(*self.pipeline.pop())
        elif self._last_words is not None:
            self._end()
        elif not self.cycle.keep_alive:  # answered in the middle of a body, which a close at once would punish
            self.is_between, self._last_words = False, b""
            self._end()
        else:
            self.flow.resume_reading()

    def resume_writing(self) -> None:
        self._awaited = None
        super().resume_writing()

    def is_free(self) -> bool:
        """Whether no request is under way."""
        return self.cycle is None or self.cycle.response_complete

    # What the watch asks

    def body_coming(self) -> tuple[object, int] | None:
        """The request whose body is not all there, and how much of it is."""
        return None if self.is_between or self._is_in_head else (self.scope, self._body_bytes)

    def paces_itself(self) -> bool:
        """Whether the application has its own clock for the request under way, body and answer."""
        return False

    def worth(self, now_seconds: float) -> tuple[int, float] | None:
        """First who never asked, then who asked longest ago, then who has been slow longest."""
        if self._last_words is not None or self.transport.is_closing():
            return None
        if self.is_between and self.is_free():
            is_new = self.cycle is None and now_seconds <= self.resting_since_seconds
            return None if is_new else (int(self.cycle is not None), self.resting_since_seconds)
        is_slow = self._awaited is not None and now_seconds - self._awaited_since_seconds > LINGER_SECONDS
        return (2, self._awaited_since_seconds) if is_slow else None

    def _rests_too_long(self, now_seconds: float) -> bool:
        limits = self.watch.limits
        most = limits.head_seconds if self.cycle is None else limits.keep_alive_seconds
        return now_seconds - self.resting_since_seconds > most

    def look(self, now_seconds: float) -> None:
        if self._has_ended or self.transport.is_closing() or (self._last_words is not None and self.is_free()):
            self._look_at_end(now_seconds)
        elif self.flow.write_paused:
            self._look_at_answer(now_seconds)
        elif self._last_words is not None:
            self._awaited = None  # answers to what came before
        elif (coming := self.body_coming()) is not None:
            self._look_at_body(*coming, now_seconds)
        elif self._is_in_head and not self.is_between:
            if self._waited(self.scope, now_seconds) > self.watch.limits.head_seconds:
                self.refuse(SLOW_HEAD)
        elif self.is_free():
            self._awaited = None
            if self._rests_too_long(now_seconds):
                self._end_idle()

    def _look_at_end(self, now_seconds: float) -> None:
        """An answer that is not read keeps a transport from closing, until it is aborted."""
        unsent = self.transport.get_write_buffer_size()
        if unsent and self._is_slow(self.transport, -unsent, now_seconds):
            self._abort("reads too slowly")
        elif not unsent and self._waited(self, now_seconds) > LINGER_SECONDS:
            self.transport.abort()

    def _look_at_answer(self, now_seconds: float) -> None:
        if not self.is_free() and self.paces_itself():
            self._awaited = None
        elif self._is_slow(self.flow, -self.transport.get_write_buffer_size(), now_seconds):
            self._abort("reads too slowly")

    def _look_at_body(self, request: object, count: int, now_seconds: float) -> None:
        if self.cycle.response_complete:  # refused before its body was there, which is read and thrown away
            if self._waited(request, now_seconds) > LINGER_SECONDS:
                self._abort("sends what was refused")
        elif self.flow.read_paused or self.paces_itself():
            self._awaited = None
        elif self._is_slow(request, count, now_seconds):
            self.refuse(SLOW_BODY)

    def _waited(self, what: object, now_seconds: float, count: int = 0) -> float:
        """Seconds since a look first saw it, or since its bytes were counted last."""
        if self._awaited is not what:
            self._awaited, self._awaited_since_seconds, self._awaited_bytes = what, now_seconds, count
        return now_seconds - self._awaited_since_seconds

    def _is_slow(self, what: object, count: int, now_seconds: float) -> bool:
        waited = self._waited(what, now_seconds, count)
        if waited < self.watch.limits.pace_window_seconds:
            return False
        if count - self._awaited_bytes < self.watch.limits.least_bytes(waited):
            return True
        self._awaited_since_seconds, self._awaited_bytes = now_seconds, count
        return False

    def _end_idle(self) -> None:
        if self.transport.get_write_buffer_size():
            self._abort("reads too slowly")
        else:
            self.transport.close()

    def _abort(self, reason: str) -> None:
        self.watch.closed[reason] += 1
        self.transport.abort()
