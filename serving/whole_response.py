"""uvicorn's HTTP protocol with one more message: a whole response in one write.

ASGI sends an answer in two messages, which cost two system calls, two packets, and a look at every header. The server
announces the extension in the scope, as ASGI wants it; an application that does not ask for it notices nothing.
https://asgi.readthedocs.io/en/latest/extensions.html
"""

from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from serving.rest.response import WHOLE_RESPONSE

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
        if self.disconnected:
            return
        body = message["body"]
        head = [STATUS_LINE[message["status"]]]
        for name, value in self.default_headers:
            head += (name, b": ", value, b"\r\n")
        for name, value in message["headers"]:
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

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = _EXTENSIONS

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.__class__ = WholeResponseCycle  # uvicorn makes its own and asks nobody
        super()._start_asgi_task(cycle, app)
