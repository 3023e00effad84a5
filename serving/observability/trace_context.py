"""W3C Trace Context: what `traceparent` says, and how it is said on.

Pure. https://www.w3.org/TR/trace-context/ (level 1, version 00; later versions are read by their first four fields, as
it asks for).
"""

import re
from typing import NamedTuple

SAMPLED = 1
_BYTES = 55
_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_MOST_TRACESTATE_BYTES = 512
"""What everybody must pass on; a longer one may be left out, and is."""
_TRACESTATE = re.compile(rb"[\x20-\x7e]+")


class TraceContext(NamedTuple):
    """`span_id` is whose child comes next."""

    trace_id: int
    span_id: int
    is_sampled: bool
    tracestate: str = ""

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id:032x}-{self.span_id:016x}-{int(self.is_sampled):02x}"


def read_context(traceparent: bytes, tracestate: bytes | None) -> TraceContext | None:
    """None where it is none: a new trace begins, as the specification wants it."""
    found = _TRACEPARENT.fullmatch(traceparent.strip())
    if found is None or found[1] == b"ff" or (found[1] == b"00" and found[5]):
        return None
    trace_id, span_id = int(found[2], 16), int(found[3], 16)
    if not trace_id or not span_id:
        return None
    return TraceContext(trace_id, span_id, bool(int(found[4], 16) & SAMPLED), _plain(tracestate))


def says_no(traceparent: bytes) -> bool:
    """Whether it plainly says that its trace is not kept: most do, and need not be read. Of any other form or version,
    reading tells.
    """
    return traceparent.endswith(b"-00") and len(traceparent) == _BYTES and traceparent.startswith(b"00-")


def _plain(tracestate: bytes | None) -> str:
    if tracestate is None or len(tracestate) > _MOST_TRACESTATE_BYTES or not _TRACESTATE.fullmatch(tracestate):
        return ""
    return tracestate.strip().decode("ascii")
