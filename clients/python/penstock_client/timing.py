"""Where a request's time went, by the gateway's receipt: the `Server-Timing` header (W3C). Pure."""

import re
from dataclasses import dataclass

_METRIC = re.compile(r'(?P<name>[\w-]+)\s*;\s*(?:dur=(?P<milliseconds>[0-9.]+)|desc="(?P<rows>\d+) rows")')


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds that the gateway spent on the request, and how many rows the batch had that it went with.

    `queue_seconds` is the wait for the batch, `backend_seconds` the model's own time. What the gateway did not say
    is None.
    """

    decode_seconds: float | None = None
    queue_seconds: float | None = None
    backend_seconds: float | None = None
    encode_seconds: float | None = None
    batch_rows: int | None = None


def read_timing(server_timing: str | None) -> Timing | None:
    """None where nothing in the header is of the gateway; what others put there is passed over."""
    found = {one["name"]: one for one in _METRIC.finditer(server_timing or "")}
    rows = found["batch"]["rows"] if "batch" in found else None
    decode, queue, backend, encode = (_seconds(found.get(name)) for name in ("decode", "queue", "backend", "encode"))
    timing = Timing(decode, queue, backend, encode, None if rows is None else int(rows))
    return None if timing == Timing() else timing


def _seconds(metric: re.Match[str] | None) -> float | None:
    try:
        return None if metric is None else float(metric["milliseconds"]) / 1e3
    except (TypeError, ValueError):  # a description where a duration belongs, or two points in it
        return None
