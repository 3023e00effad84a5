"""How much is needed for a rate and a p99: predicted by running the real batching core in virtual time. Pure.

What is known of a place is a `Measurement`: S(b) as the gateway learned it, the gateway's own work on a request, and
what a request takes by itself. A formula (M/D/1 with batches) would know neither rule 2 of docs/batching.md nor the one
core that reading requests and a small model share, so `predicted` plays some thousand requests through both.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Literal

import numpy as np

from loadtests.measurement import Measurement, call_p95_seconds, call_seconds, noise_of, place_of
from loadtests.simulation.arrivals import poisson, requests
from loadtests.simulation.gateways import Calls, Place, Site, simulate_site
from serving.batching.admission import QueueLimits
from serving.batching.batch_size import LargestBatch, largest_batch
from serving.batching.policy import BatchingCore

LIMITS = QueueLimits(max_rows=8192, max_bytes=256 * 1024 * 1024)
PATIENCE_SECONDS = 30.0
"""The gateway's own time limit of a request."""
REQUESTS = 6_000
"""A prediction's: the p99 is then the sixtieth worst."""
SETTLING_SHARE = 0.1
"""Of the requests, at the start: the core has learned nothing yet."""
MOST_REFUSED = 0.001
MOST_REPLICAS = 256
DEPTHS = (1, 2, 3, 4, 6, 8)
DEPTH_GAIN = 0.98
"""A deeper pipeline is worth its place when the p99 falls to less than this share."""


@dataclass(frozen=True, slots=True)
class Objective:
    """A rate of single-row requests, and the p99 it is to have."""

    rate_per_second: float
    p99_seconds: float


@dataclass(frozen=True, slots=True)
class Choice:
    """What can be chosen: B, K, and how many of each; `model_servers` is None where every gateway holds the model."""

    batch_rows: int
    in_flight_batches: int
    gateways: int = 1
    model_servers: int | None = None


@dataclass(frozen=True, slots=True)
class Predicted:
    rate_per_second: float
    p50_seconds: float
    p99_seconds: float
    mean_seconds: float
    mean_batch_rows: float
    refused_share: float
    own_share: float
    model_share: float
    """Of the time: each gateway's own work, and what each device was busy with calls."""

    def meets(self, objective: Objective) -> bool:
        return self.p99_seconds <= objective.p99_seconds and self.refused_share <= MOST_REFUSED


@dataclass(frozen=True, slots=True)
class Plan:
    """The choice and why, what it is predicted to do at the objective's rate, and how busy it is then."""

    choice: Choice
    batch_reason: str
    predicted: Predicted
    gateway_share: float
    model_share: float


class Unreachable(ValueError):
    """No number of replicas meets the objective; the message says what stands in the way."""


def as_measured(measured: Measurement) -> Choice:
    """The one gateway that was measured, with its settings."""
    servers = 1 if measured.backend == "tfserving" else None
    return Choice(measured.max_batch_rows, measured.in_flight_batches, 1, servers)


def predicted(
    measured: Measurement, choice: Choice, rate: float, *, seed: int = 1, number: int = REQUESTS
) -> Predicted:
    """Latency of Poisson arrivals of single rows at `rate` a second, `number` of them."""
    share = 1 if choice.model_servers else choice.gateways
    gateways = choice.gateways if choice.model_servers else 1  # each with a model of its own is a world by itself
    site = Site(measured.gateway_seconds, measured.wire_seconds, gateways, choice.model_servers)
    outcome = simulate_site(
        site,
        partial(_core, choice),
        requests(poisson(rate / share, seed), number, PATIENCE_SECONDS),
        Calls(partial(call_seconds, measured), _cached(partial(place_of, measured)), noise_of(measured)),
        seed,
    )
    settled = outcome.of(
        lambda arrival: arrival.at_seconds >= outcome.arrivals[int(SETTLING_SHARE * number)].at_seconds
    )
    busy_seconds = float(np.nanmax(outcome.answered_at))
    return Predicted(
        rate,
        settled.latency_seconds(0.5),
        settled.latency_seconds(0.99),
        settled.mean_seconds,
        settled.mean_batch_rows,
        settled.refused / len(settled.arrivals),
        number * measured.gateway_seconds / (busy_seconds * gateways),
        sum(call_seconds(measured, rows) for rows in outcome.batch_rows) / (busy_seconds * (choice.model_servers or 1)),
    )


def _core(choice: Choice) -> BatchingCore:
    slots = choice.in_flight_batches
    return BatchingCore(max_batch_rows=choice.batch_rows, slots=min(2, slots), most_slots=slots, limits=LIMITS)


def _cached(place: Callable[[int], Place]) -> Callable[[int], Place]:
    known: dict[int, Place] = {}

    def remembered(rows: int) -> Place:
        if rows not in known:
            known[rows] = place(rows)
        return known[rows]

    return remembered


def curve(measured: Measurement, choice: Choice, rates: Iterable[float], number: int = REQUESTS) -> list[Predicted]:
    return [predicted(measured, choice, rate, number=number) for rate in rates]


def capacity_per_second(measured: Measurement, choice: Choice) -> float:
    """Requests a second past which queues grow without end: the gateways' cores or the model, whichever is first."""
    rows = choice.batch_rows
    a_call = call_seconds(measured, rows) / rows
    model = (choice.model_servers or choice.gateways) / a_call
    own = measured.gateway_seconds + (a_call if place_of(measured, rows) != "elsewhere" else 0.0)
    return min(choice.gateways / own, model)


def chosen_batch(measured: Measurement, objective: Objective) -> LargestBatch:
    """Rule 2 of docs/batching.md, on what was measured."""
    return largest_batch(measured.max_batch_rows, (), partial(call_p95_seconds, measured), objective.p99_seconds)


def recommended(measured: Measurement, objective: Objective, *, number: int = REQUESTS) -> Plan:
    """The fewest gateways and model servers that meet the objective, with the least depth that serves it.

    Each try plays `number` requests. Raises Unreachable where a request by itself takes too long already, or
    MOST_REPLICAS are not enough.
    """
    batch = chosen_batch(measured, objective)
    alone = measured.wire_seconds + measured.gateway_seconds + call_seconds(measured, 1)
    if alone > objective.p99_seconds:
        raise Unreachable(
            f"a request by itself takes {alone * 1e3:.3g} ms, the p99 is to be {objective.p99_seconds * 1e3:.3g} ms"
        )
    remote = measured.backend == "tfserving"
    least = _least_replicas(measured, objective, batch.rows)
    plain = Choice(batch.rows, measured.in_flight_batches, least[0], least[1] if remote else None)
    if remote:
        generous = Choice(plain.batch_rows, plain.in_flight_batches, 2 * plain.gateways, plain.model_servers)
        plain = _fewest(measured, objective, generous, "model_servers", number)
        plain = Choice(plain.batch_rows, plain.in_flight_batches, least[0], plain.model_servers)
    plain = _fewest(measured, objective, plain, "gateways", number)
    choice, found = _best_depth(measured, objective, plain, number)
    return _told(measured, choice, batch.reason, found)


def _least_replicas(measured: Measurement, objective: Objective, rows: int) -> tuple[int, int]:
    """Fewer gateways, or fewer model servers, could not even do the work."""
    rate, one = objective.rate_per_second, Choice(rows, measured.in_flight_batches, 1, None)
    servers = ceil(rate * call_seconds(measured, rows) / rows)
    if measured.backend == "tfserving":
        return max(1, ceil(rate * measured.gateway_seconds)), max(1, servers)
    return max(1, ceil(rate / capacity_per_second(measured, one))), 1


def _fewest(
    measured: Measurement, objective: Objective, choice: Choice, what: Literal["gateways", "model_servers"], number: int
) -> Choice:
    """From `choice` on: doubles the surplus until the objective is met, then halves the gap."""
    least = choice.gateways if what == "gateways" else choice.model_servers or 1

    def of(count: int) -> Choice:
        gateways, servers = (count, choice.model_servers) if what == "gateways" else (choice.gateways, count)
        return Choice(choice.batch_rows, choice.in_flight_batches, gateways, servers)

    def meets(count: int) -> bool:
        return predicted(measured, of(count), objective.rate_per_second, number=number).meets(objective)

    too_few, enough = least - 1, least
    while not meets(enough):
        too_few, enough = enough, enough + max(1, 2 * (enough - least))
        if enough > max(MOST_REPLICAS, 2 * least):
            raise Unreachable(f"{too_few} {what.replace('_', ' ')} are not enough, and more hardly help")
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        too_few, enough = (too_few, middle) if meets(middle) else (middle, enough)
    return of(enough)


def _best_depth(measured: Measurement, objective: Objective, choice: Choice, number: int) -> tuple[Choice, Predicted]:
    found: tuple[Choice, Predicted] | None = None
    for depth in DEPTHS:
        candidate = Choice(choice.batch_rows, depth, choice.gateways, choice.model_servers)
        result = predicted(measured, candidate, objective.rate_per_second, number=number)
        if found is None or (
            result.p99_seconds < DEPTH_GAIN * found[1].p99_seconds and result.refused_share <= found[1].refused_share
        ):
            found = candidate, result
    if found is None:
        raise AssertionError("there are depths to try")
    return found


def _told(measured: Measurement, choice: Choice, reason: str, found: Predicted) -> Plan:
    beside = place_of(measured, round(found.mean_batch_rows)) == "elsewhere"
    return Plan(choice, reason, found, found.own_share + (0.0 if beside else found.model_share), found.model_share)
