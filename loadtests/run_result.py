"""What one run of load left behind, in one file: whatever made the load, all that judges or draws it reads this."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from loadtests.latencies import Latencies
from loadtests.result_file import Fact, ResultFile

NO_ANSWER_STATUS = "0"
"""The status of a request whose connection broke or that was not answered in time."""


class Interval(Fact):
    """One second of the run (or a part at its end), by the moment a request was due; latencies in seconds."""

    at_seconds: float
    sent: int
    good: int
    failed: int
    p50_seconds: float | None = None
    p90_seconds: float | None = None
    p99_seconds: float | None = None
    max_seconds: float | None = None


class ServerSample(Fact):
    """How the server was at a moment; None for what it does not tell."""

    at_seconds: float
    cpu_seconds: float | None = None
    resident_bytes: int | None = None
    threads: int | None = None
    open_files: int | None = None
    mean_batch_rows: float | None = None
    queue_rows: float | None = None


class Verdict(Fact):
    """Whether a run met its service-level objective; `reasons` has a sentence for each bound that was judged."""

    objective: str
    met: bool
    reasons: tuple[str, ...] = ()


class RunResult(ResultFile):
    """`latency` is from when a request was due (open loop) or sent (Locust's closed loop) to the end of its answer.

    `latency`, `latency_from_sent` and `lateness` are HdrHistograms (`Latencies.encoded`). `latency` counts the
    requests that were answered, whatever the answer; `statuses` counts every request, by HTTP status or gRPC code
    name, "0" for no answer. `good` were answered as they should be: a bad request refused with 400 is good too.
    Locust's `lateness` is how late its process served its own timers, which may be part of any latency.
    `waited_for_connection` were sent later than they were due because all connections were in use, which is latency.
    """

    made_by: ClassVar[str] = "a load test"

    format: Literal[1] = 1
    generator: Literal["open_loop", "locust"]
    scenario: str
    protocol: Literal["rest", "grpc", "mixed"]
    url: str
    model: str
    command: tuple[str, ...]
    started_at: str
    seconds: float
    offered_per_second: float | None = None
    sent: int
    good: int
    statuses: Mapping[str, int]
    errors: Mapping[str, int] = {}
    latency: str
    latency_from_sent: str | None = None
    lateness: str | None = None
    waited_for_connection: int | None = None
    invalid_because: str | None = None
    intervals: tuple[Interval, ...] = ()
    server: tuple[ServerSample, ...] = ()
    environment: Mapping[str, str] = {}
    verdict: Verdict | None = None

    @property
    def latencies(self) -> Latencies:
        return Latencies.decoded(self.latency)

    @property
    def failed(self) -> int:
        return self.sent - self.good

    @property
    def error_rate(self) -> float:
        """The part of the requests that were not good; 0 where none was sent."""
        return self.failed / self.sent if self.sent else 0.0

    @property
    def goodput_per_second(self) -> float:
        return self.good / self.seconds if self.seconds else 0.0
