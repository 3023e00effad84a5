"""The `traceparent` header (W3C Trace Context, level 1): a request says to which trace and to which step it belongs."""

import re
import secrets

_TRACEPARENT = re.compile(r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-[0-9a-f]{16}-(?P<flags>[0-9a-f]{2})")


def new_traceparent() -> str:
    """A trace that begins here, to be recorded; for `Client(traceparent=new_traceparent)`, one for each call."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def child_of(traceparent: str) -> str:
    """The same trace with a new span id, for one attempt. Raises ValueError for what is no traceparent."""
    parts = _TRACEPARENT.fullmatch(traceparent)
    if parts is None or parts["version"] == "ff" or not parts["trace"].strip("0"):
        raise ValueError(
            f"traceparent is {traceparent!r}; it must be as in 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        )
    return f"00-{parts['trace']}-{secrets.token_hex(8)}-{parts['flags']}"
