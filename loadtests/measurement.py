"""What is known of one gateway with one model: S(b), its own work on a request, how quick it is at some rates. Pure.

The file that `penstock plan --save` writes and `--measured` reads.
"""

from collections.abc import Mapping, Sequence
from math import log
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from loadtests.result_file import Fact
from loadtests.simulation.gateways import Place
from serving.backends.embedded.pace import LOOP_SECONDS

P95_OF_NORMAL = 1.645


class CallTime(Fact):
    """S(b): calls of `rows` rows on average."""

    rows: float = Field(gt=0)
    mean_seconds: float = Field(gt=0)
    p95_seconds: float = Field(gt=0)


class CurvePoint(Fact):
    """Latency at a rate of single-row requests; medians where `repetitions` are more than one."""

    rate_per_second: float = Field(gt=0)
    p50_seconds: float
    p99_seconds: float
    mean_seconds: float
    mean_batch_rows: float | None = None
    repetitions: int = 1


class Measurement(Fact):
    """What is known of one gateway with one model; `curve` is what was measured of it, to hold predictions against.

    `gateway_seconds` is the gateway's own processor time a request, `wire_seconds` what passes outside of it: network,
    wake-ups, the client.
    """

    format: Literal[1] = 1
    model: str
    backend: Literal["embedded", "tfserving"]
    gateway_cores: int = Field(ge=1)
    max_batch_rows: int = Field(ge=1)
    in_flight_batches: int = Field(ge=1)
    gateway_seconds: float = Field(gt=0)
    wire_seconds: float = Field(ge=0)
    calls: tuple[CallTime, ...] = Field(min_length=1)
    curve: tuple[CurvePoint, ...] = ()
    how: str = ""
    environment: Mapping[str, str] = {}

    @model_validator(mode="after")
    def _calls_rise(self) -> Self:
        rows = [call.rows for call in self.calls]
        if rows != sorted(set(rows)):
            raise ValueError("calls: rows must rise")
        return self


def call_seconds(measured: Measurement, rows: float) -> float:
    """S(b): straight lines between what was measured, the last one's slope (or, of one point, in proportion) beyond."""
    return _line([call.mean_seconds for call in measured.calls], measured.calls, rows)


def call_p95_seconds(measured: Measurement, rows: int) -> float:
    return _line([call.p95_seconds for call in measured.calls], measured.calls, rows)


def _line(values: Sequence[float], calls: Sequence[CallTime], rows: float) -> float:
    places = [call.rows for call in calls]
    if rows <= places[-1]:
        return float(np.interp(rows, places, values))
    if len(places) == 1:
        return values[0] * rows / places[0]
    slope = max(0.0, (values[-1] - values[-2]) / (places[-1] - places[-2]))
    return values[-1] + slope * (rows - places[-1])


def noise_of(measured: Measurement) -> float:
    """The standard deviation of the logarithm of a call's time: the median of what the sizes say."""
    return max(0.0, float(np.median([log(call.p95_seconds / call.mean_seconds) for call in measured.calls]))) / (
        P95_OF_NORMAL
    )


def place_of(measured: Measurement, rows: int) -> Place:
    """As docs/decisions/0010 has it: short calls of an embedded model in the event loop."""
    if measured.backend == "tfserving":
        return "elsewhere"
    if call_seconds(measured, rows) <= LOOP_SECONDS:
        return "event_loop"
    return "same_core" if measured.gateway_cores == 1 else "elsewhere"
