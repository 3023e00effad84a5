"""An arrival as the batching core is told of it. Pure."""

import functools

from loadtests.simulation.arrivals import Arrival
from serving.backend_protocol import Target
from serving.batching.events import QueueKey, Submission

ROW_BYTES = 4


def submission(number: int, arrival: Arrival) -> Submission:
    rows, deadline = arrival.rows, arrival.deadline_seconds
    return Submission(number, _queue(arrival.model), rows, rows * ROW_BYTES, deadline, arrival.lane, arrival.tenant)


@functools.cache
def _queue(model: str) -> QueueKey:
    return QueueKey(Target(model, 1, "serving_default"), ())
