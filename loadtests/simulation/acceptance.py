"""What a policy is held to beside the oracles, as figures and bounds; the tests and the bench read the same ones.

Pure. A claim is about one device, one kind of arrivals, one load and one seed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from loadtests.simulation.arrivals import Arrival, bursty, clumped, constant, poisson, requests
from loadtests.simulation.device import Case
from loadtests.simulation.oracles import least_mean_seconds, most_on_time
from loadtests.simulation.outcome import Outcome
from loadtests.simulation.simulator import Policy, simulate

Kind: TypeAlias = Literal["Poisson", "bursty", "clumped", "constant"]
KINDS: tuple[Kind, ...] = ("Poisson", "bursty")
"""Those that the bench goes through."""
NewPolicy: TypeAlias = Callable[[Case], Policy]
"""A fresh policy for a device; what one run learned is nothing to the next."""

SPELL_BATCHES = 10
"""How long the spells of bursty arrivals last on average, in full batches."""
CLUMP_REQUESTS = 8
"""How many clumped arrivals come at one instant, on average."""
GOODPUT_OF_ORACLE = 0.95
"""The least share of the oracle's requests on time, at OVERLOAD and below."""
OVERLOAD = 1.3
LATENCY_OF_ORACLE = {0.1: 1.2, 0.2: 1.2, 0.3: 1.2, 0.6: 1.1}
"""The most that the mean latency at a load may be, of the oracle's."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """`number` requests of one row at `load` times what the device does in full batches."""

    case: Case
    kind: Kind
    load: float
    seed: int
    number: int

    def arrivals(self) -> list[Arrival]:
        return requests(self._stream(), self.number, self.case.patience_seconds)

    def _stream(self) -> Iterator[float]:
        held, seed = self.case, self.seed
        rate = self.load * held.capacity_rows_per_second
        match self.kind:
            case "Poisson":
                return poisson(rate, seed)
            case "bursty":
                return bursty(rate, seed, SPELL_BATCHES * held.device.seconds(held.max_batch_rows))
            case "clumped":
                return clumped(rate, seed, CLUMP_REQUESTS)
            case "constant":
                return constant(rate)

    def outcome(self, new: NewPolicy) -> Outcome:
        return simulate(new(self.case), self.arrivals(), self.case.device)

    def best_goodput(self) -> float:
        most = most_on_time(self._times(), self.case.device, self.case.max_batch_rows, self.case.patience_seconds)
        return most / self.number

    def best_mean_seconds(self) -> float:
        """With everybody answered, whatever their patience."""
        return least_mean_seconds(self._times(), self.case.device, self.case.max_batch_rows)

    def _times(self) -> list[float]:
        return [arrival.at_seconds for arrival in self.arrivals()]

    def __str__(self) -> str:
        return f"{self.case.name}, {self.kind}, load {self.load:g}, seed {self.seed}"


@dataclass(frozen=True, slots=True)
class Claim:
    """`ours` beside the `oracle`: a share of requests on time (at least `bound` times), or seconds (at most)."""

    what: Literal["goodput", "mean latency"]
    traffic: Traffic
    ours: float
    oracle: float
    bound: float

    @property
    def ratio(self) -> float:
        return self.ours / self.oracle

    @property
    def holds(self) -> bool:
        return self.ratio >= self.bound if self.what == "goodput" else self.ratio <= self.bound

    def __str__(self) -> str:
        figures = f"{self.ours:.4g} of {self.oracle:.4g}, {self.ratio:.3f} (bound {self.bound:g})"
        return f"{self.traffic}: {self.what} {figures}"


def goodput_claim(new: NewPolicy, traffic: Traffic) -> Claim:
    return Claim("goodput", traffic, traffic.outcome(new).goodput, traffic.best_goodput(), GOODPUT_OF_ORACLE)


def latency_claim(new: NewPolicy, traffic: Traffic) -> Claim:
    """The oracle answers everybody, so who was refused counts with the whole of their patience."""
    ours = mean_with_refusals(traffic.outcome(new), traffic.case.patience_seconds)
    return Claim("mean latency", traffic, ours, traffic.best_mean_seconds(), LATENCY_OF_ORACLE[traffic.load])


def mean_with_refusals(outcome: Outcome, patience_seconds: float) -> float:
    answered = outcome.latencies
    refused = len(outcome.arrivals) - len(answered)
    return float(answered.sum() + refused * patience_seconds) / len(outcome.arrivals)


def claims(new: NewPolicy, case: Case, seed: int, number: int) -> Iterator[Claim]:
    """All of them for one device and seed."""
    for kind in KINDS:
        for load in LATENCY_OF_ORACLE:
            traffic = Traffic(case, kind, load, seed, number)
            yield goodput_claim(new, traffic)
            yield latency_claim(new, traffic)
        yield goodput_claim(new, Traffic(case, kind, OVERLOAD, seed, number))
