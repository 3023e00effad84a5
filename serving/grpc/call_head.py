"""What a call says beside its message: its id, its deadline and its priority.

Pure: metadata and the time that gRPC's own deadline leaves in, facts out.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from serving.batching.events import Lane
from serving.batching.lane_names import lane_named
from serving.errors import InvalidInput

_KEYS = ("x-request-id", "x-request-timeout-ms", "x-priority")


@dataclass(frozen=True, slots=True)
class CallHead:
    """Everything as the caller sent it, None where it did not."""

    request_id: str | None
    timeout_ms: str | None
    priority: str | None = None

    def timeout_seconds(self, remaining_seconds: float | None, most: float) -> float:
        """The least of gRPC's deadline, `x-request-timeout-ms` and `most`; InvalidInput for no positive number."""
        seconds = most if remaining_seconds is None else min(most, remaining_seconds)
        if self.timeout_ms is None:
            return seconds
        try:
            milliseconds = float(self.timeout_ms)
        except ValueError:
            milliseconds = 0.0
        if not milliseconds > 0:
            raise InvalidInput("x-request-timeout-ms is not a positive number of milliseconds")
        return min(seconds, milliseconds / 1000)

    def lane(self) -> Lane | None:
        """`x-priority`, None where there is none; InvalidInput when it is no lane's name."""
        return None if self.priority is None else lane_named(self.priority)


def read_head(metadata: Iterable[tuple[str, str | bytes]] | None) -> CallHead:
    found = {key: value for key, value in metadata or () if key in _KEYS}
    return CallHead(*(_text(found.get(key)) for key in _KEYS))


def _text(value: str | bytes | None) -> str | None:
    return value.decode("latin-1") if isinstance(value, bytes) else value
