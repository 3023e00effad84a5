"""The access log: one line for a request, of all that failed and of a share of those that went well.

A request costs the event loop a draw and an append; its line is put together and written by a thread.
"""

from collections.abc import Callable, Iterator, Sequence

from serving.observability.finished_requests import FinishedRequest
from serving.observability.log_lines import Style, line_of
from serving.observability.outbox import Outbox
from serving.observability.wall_clock import iso_utc, wall_offset_seconds

MOST_WAITING_LINES = 10_000
"""About a second of a busy gateway, some 5 MB."""
PIPE_BYTES = 4096
"""What a pipe takes as one piece (PIPE_BUF): lines of several workers never run into each other."""
FAULTS = frozenset({"UNKNOWN", "INTERNAL", "DATA_LOSS", "UNIMPLEMENTED", "UNAVAILABLE", "DEADLINE_EXCEEDED"})
"""gRPC's statuses that are the gateway's or the backend's, as 5xx is; the others are the caller's."""

NAME = "access_log"


class AccessLog:
    """A RequestObserver. `write` gets whole lines, PIPE_BYTES at most unless one line alone is longer."""

    def __init__(
        self,
        share: float,
        style: Style,
        chance: Callable[[], float],
        write: Callable[[bytes], object],
        *,
        process: str = "",
        wall: Callable[[], float] = wall_offset_seconds,
    ) -> None:
        self._share, self._style, self._process = share, style, process
        self._chance, self._write_bytes, self._wall = chance, write, wall
        self.outbox = Outbox(NAME, self._write, most_items=MOST_WAITING_LINES)

    def finished(self, request: FinishedRequest) -> None:
        if self._share >= 1.0 or not request.is_ok or self._chance() < self._share:
            self.outbox.offer(request)

    def _write(self, requests: Sequence[FinishedRequest]) -> None:
        offset = self._wall()
        lines = [line_of(fields_of(each, offset, self._process), self._style) for each in requests]
        for piece in pieces(lines):
            self._write_bytes(piece)


def fields_of(request: FinishedRequest, offset_seconds: float, process: str = "") -> dict[str, object]:
    """What the line of a request says; what it never came to is left out."""
    fields: dict[str, object] = {
        "time": iso_utc(request.ended_seconds + offset_seconds),
        "level": _level(request.code),
        "event": "request",
    }
    if process:
        fields["process"] = process
    fields["request_id"] = request.request_id
    fields["protocol"] = request.protocol
    if request.caller:
        fields["caller"] = request.caller
    fields["model"] = request.model
    if request.version:
        fields["version"] = request.version
        fields["signature"] = request.signature
    fields["code"] = request.code
    if request.rows is not None:
        fields["rows"] = request.rows
    fields["duration_ms"] = round(request.total_seconds * 1e3, 3)
    _add_split(fields, request)
    if request.trace is not None:
        fields["trace_id"] = f"{request.trace.context.trace_id:032x}"
    return fields


def _add_split(fields: dict[str, object], request: FinishedRequest) -> None:
    if request.decode_seconds is not None:
        fields["decode_ms"] = round(request.decode_seconds * 1e3, 3)
    receipt = request.receipt
    if receipt is not None:
        fields["queue_ms"] = round(receipt.queue_seconds * 1e3, 3)
        fields["backend_ms"] = round(receipt.backend_seconds * 1e3, 3)
        fields["batch_rows"] = receipt.batch_rows
        if receipt.cache:
            fields["cache"] = receipt.cache
    if request.encode_seconds is not None:
        fields["encode_ms"] = round(request.encode_seconds * 1e3, 3)


def pieces(lines: Sequence[str]) -> Iterator[bytes]:
    """Lines together, as many as one write may have."""
    held, size = list[bytes](), 0
    for line in lines:
        encoded = line.encode("utf-8", "backslashreplace") + b"\n"
        if held and size + len(encoded) > PIPE_BYTES:
            yield b"".join(held)
            held, size = [], 0
        held.append(encoded)
        size += len(encoded)
    if held:
        yield b"".join(held)


def _level(code: int | str) -> str:
    if code in (200, "OK"):
        return "info"
    is_fault = code >= 500 if isinstance(code, int) else code in FAULTS
    return "error" if is_fault else "warning"
