"""The headers that go with every request, whatever it asks and over whichever wire; names in lower case."""

import math

from penstock_client.call_options import CallOptions
from penstock_client.settings import ClientSettings, check_credential
from penstock_client.trace_context import child_of


def deadline_headers(remaining_seconds: float) -> dict[str, str]:
    """The gateway is told how long this side still waits, so that it skips work nobody waits for any more."""
    return {"x-request-timeout-ms": str(max(1, math.ceil(remaining_seconds * 1000)))}


def call_headers(options: CallOptions) -> dict[str, str]:
    """The same for every attempt."""
    headers: dict[str, str] = {}
    if options.priority is not None:
        headers["x-priority"] = options.priority
    if options.request_id is not None:
        headers["x-request-id"] = options.request_id
    return headers


def credential_headers(settings: ClientSettings) -> dict[str, str]:
    """Asked anew for every attempt, as a token may have expired since the last. Raises ValueError."""
    if settings.api_key is not None:
        return {"x-api-key": settings.api_key}
    if settings.token is not None:
        token = settings.token if isinstance(settings.token, str) else settings.token()
        check_credential("token", token)
        return {"authorization": f"Bearer {token}"}
    return {}


def trace_headers(traceparent: str | None) -> dict[str, str]:
    """A span of its own for every attempt."""
    return {} if traceparent is None else {"traceparent": child_of(traceparent)}
