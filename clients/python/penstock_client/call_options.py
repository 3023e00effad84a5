"""What one call may be told beside what it asks. Pure."""

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypedDict

from penstock_client.settings import check_timeout

REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
"""What the gateway takes; in place of any other it makes up one of its own."""

Priority: TypeAlias = Literal["high", "normal", "batch"]


class CallArguments(TypedDict, total=False):
    """As keyword arguments; `CallOptions` says what each means."""

    timeout_seconds: float | None
    priority: Priority | None
    request_id: str | None
    traceparent: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOptions:
    """`timeout_seconds` bounds the whole call, all its attempts and waits included; None leaves it to the client.

    `priority` is the gateway's: `batch` rows give way to others. `request_id` is what the gateway's logs and the
    answer call the request (128 letters, digits and ._:/+=@- at most); without it the gateway makes one up.
    `traceparent` is W3C's, of the span that the call belongs to. Raises ValueError for what makes no sense.
    """

    timeout_seconds: float | None = None
    priority: Priority | None = None
    request_id: str | None = None
    traceparent: str | None = None

    def __post_init__(self) -> None:
        if self.timeout_seconds is not None:
            check_timeout(self.timeout_seconds)
        if self.priority not in (None, "high", "normal", "batch"):
            raise ValueError(f"priority is {self.priority!r}; it is high, normal or batch")
        if self.request_id is not None and not REQUEST_ID.fullmatch(self.request_id):
            raise ValueError(f"request_id is {self.request_id!r}; it may have 128 letters, digits and ._:/+=@-")
