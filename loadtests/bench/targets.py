"""The figures to reach, as data, and what the samples say of each. Pure.

To change an aim, change its line in TARGETS. A figure whose rows were not measured is left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from loadtests.bench.samples import Sample, Spread, spread, spread_of, turn_by_turn

Unit = Literal["x", "rows/s", "ms", "s", "%", "MB"]
JSON_PEERS = ("litserve", "bentoml", "mlserver", "triton-json")


@dataclass(frozen=True, slots=True)
class Measured:
    """A row's turns; `rows` a request, and which clock its requests a second are of."""

    samples: tuple[Sample, ...]
    rows: int = 1
    clock: Literal["wall", "processor"] = "wall"

    @property
    def rates(self) -> list[float]:
        """Requests a second of every turn."""
        if self.clock == "processor":
            return self.processor_rates
        return [sample.per_second for sample in self.samples]

    @property
    def processor_rates(self) -> list[float]:
        """Requests a second of the server's own processor time, of every turn."""
        return [sample.per_cpu_second for sample in self.samples]


Rows: TypeAlias = Mapping[str, Measured]


@dataclass(frozen=True, slots=True)
class Ratio:
    """Requests a second of one row by those of another: of several, the quickest that was measured."""

    ours: str
    beside: tuple[str, ...]
    at_no_higher_p99: bool = False


@dataclass(frozen=True, slots=True)
class RowsPerSecond:
    ours: str


@dataclass(frozen=True, slots=True)
class Beyond:
    """The p50 of a row less that of another, in ms."""

    ours: str
    beside: str


@dataclass(frozen=True, slots=True)
class Reported:
    """A figure that another benchmark gives by its name, once a round."""

    name: str


@dataclass(frozen=True, slots=True)
class Target:
    """`bound` is to be reached from below, or, where `at_most`, kept under."""

    what: str
    figure: Ratio | RowsPerSecond | Beyond | Reported
    bound: float
    moonshot: float | None = None
    unit: Unit = "x"
    at_most: bool = False

    def holds(self, value: float, bound: float) -> bool:
        return value <= bound if self.at_most else value >= bound


TARGETS = (
    Target("whole prediction, JSON, by an empty FastAPI endpoint", Ratio("json", ("fastapi",)), 1.7, 2.5),
    Target("whole prediction, JSON, by bare uvicorn ASGI", Ratio("json", ("bare",)), 0.48, 0.7),
    Target("whole prediction, JSON, by FastAPI + pydantic + Keras", Ratio("json", ("naive",)), 9, 15),
    Target("JSON, by the best of the peers, at no higher p99", Ratio("json", JSON_PEERS, at_no_higher_p99=True), 8, 12),
    Target("OIP binary, by Triton's", Ratio("oip", ("triton-binary",)), 7, 12),
    Target("JSON, by TensorFlow Serving's REST", Ratio("json", ("tfs-rest",)), 2.5),
    Target("gRPC, by TensorFlow Serving's, its batching off", Ratio("grpc", ("tfs-grpc",)), 2.0),
    Target("gRPC, by TensorFlow Serving's, its batching on", Ratio("grpc", ("tfs-grpc-batching",)), 1.4),
    Target("gateway alone (in_memory), by bare uvicorn ASGI", Ratio("in-memory", ("bare",)), 0.55, 0.8),
    Target("npy, by our own JSON", Ratio("npy", ("json",)), 1.3),
    Target("64 rows a request, JSON", RowsPerSecond("json-64"), 45_000, 80_000, "rows/s"),
    Target("64 rows a request, npy", RowsPerSecond("npy-64"), 120_000, 250_000, "rows/s"),
    Target(
        "p50 beyond the model call, one connection",
        Beyond("one-connection", "model-call"),
        0.3,
        0.2,
        "ms",
        at_most=True,
    ),
    Target("gRPC Predict, by an empty grpc.aio method", Ratio("grpc", ("grpc-empty",)), 0.7),
    Target("goodput during the overload, of the peak", Reported("goodput_percent"), 90, None, "%"),
    Target("median time of a rejection", Reported("rejection_ms"), 10, None, "ms", at_most=True),
    Target("normal again after the overload", Reported("recovery_seconds"), 2, None, "s", at_most=True),
    Target(
        "memory gained in an overload, the queue's bound", Reported("grown_megabytes"), 16.8, None, "MB", at_most=True
    ),
    Target("memory gained from the first reading to the last", Reported("growth_percent"), 5, None, "%", at_most=True),
    Target("p99 during a swap of versions, by that before", Reported("swap_p99_ratio"), 2, None, "x", at_most=True),
    Target("p99 beside 1,000 slow heads", Reported("hostile_trickle_ratio"), 2, None, "x", at_most=True),
    Target("p99 beside 1,000 silent connections", Reported("hostile_silent_ratio"), 2, None, "x", at_most=True),
    Target("p99 beside 10,000 idle connections", Reported("hostile_idle_ratio"), 2, None, "x", at_most=True),
    Target("memory gained over the swaps", Reported("swap_growth_percent"), 5, None, "%", at_most=True),
    Target("the gpu export, by the plain one", Reported("profile_ratio"), 5),
    Target("gateway, by the C API alone", Reported("of_the_c_api_percent"), 80, None, "%"),
    Target("images through the gateway", Reported("images_per_second"), 10_000, None, "rows/s"),
    Target("p99 through the gateway, by S(B)", Reported("p99_by_call"), 2, None, at_most=True),
)


@dataclass(frozen=True, slots=True)
class Figure:
    """What came of one target: the value of every turn together, and what it is compared with by name.

    `by_processor` is the same by the servers' own processor time: what other programs took from the core is not in it.
    """

    target: Target
    value: Spread
    by_processor: Spread | None = None
    beside: str = ""
    p99_is_no_higher: bool = True

    @property
    def reached(self) -> bool:
        return self.p99_is_no_higher and self.target.holds(self.value.median, self.target.bound)

    @property
    def moonshot_reached(self) -> bool:
        moonshot = self.target.moonshot
        return moonshot is not None and self.reached and self.target.holds(self.value.median, moonshot)


def figures(
    rows: Rows, reported: Mapping[str, Sequence[float]] | None = None, targets: Iterable[Target] = TARGETS
) -> list[Figure]:
    """Of every target whose rows, or whose reported name, are there."""
    found = (_figure(target, rows, reported or {}) for target in targets)
    return [figure for figure in found if figure is not None]


def _figure(target: Target, rows: Rows, reported: Mapping[str, Sequence[float]]) -> Figure | None:
    match target.figure:
        case Ratio() as ratio:
            return _ratio(target, ratio, rows)
        case RowsPerSecond(ours) if ours in rows:
            found, many = rows[ours], rows[ours].rows
            by_processor = spread([rate * many for rate in found.processor_rates])
            return Figure(target, spread([rate * many for rate in found.rates]), by_processor)
        case Beyond(ours, beside) if ours in rows and beside in rows:
            differences = turn_by_turn(_p50s(rows[ours].samples), _p50s(rows[beside].samples), lambda a, b: a - b)
            return Figure(target, spread(differences), beside=beside)
        case Reported(name) if name in reported:
            return Figure(target, spread(reported[name]))
    return None


def _ratio(target: Target, ratio: Ratio, rows: Rows) -> Figure | None:
    there = [name for name in ratio.beside if name in rows]
    if ratio.ours not in rows or not there:
        return None
    ours = rows[ratio.ours]
    best = max(there, key=lambda name: spread(rows[name].rates).median)
    ratios = turn_by_turn(ours.rates, rows[best].rates, lambda a, b: a / b)
    by_processor = turn_by_turn(ours.processor_rates, rows[best].processor_rates, lambda a, b: a / b)
    p99s = [spread_of(found.samples, lambda sample: sample.p99_ms).median for found in (ours, rows[best])]
    p99_is_no_higher = not ratio.at_no_higher_p99 or p99s[0] <= p99s[1]
    return Figure(target, spread(ratios), spread(by_processor), best, p99_is_no_higher)


def _p50s(samples: Sequence[Sample]) -> list[float]:
    return [sample.p50_ms for sample in samples]
