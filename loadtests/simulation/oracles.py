"""The best that any policy could do through one slot, knowing every arrival in advance. Requests are of one row.

Pure. Both are dynamic programmes over the arrivals in their order. An optimal schedule may be assumed to send batches
of neighbours: requests are alike but for their arrival, so whoever came first may go first, and of those a batch could
serve the latest have the most time left.
"""

from collections.abc import Sequence
from math import inf

import numpy as np
from numpy.typing import NDArray

from loadtests.simulation.device import Device

Floats = NDArray[np.float64]


def most_on_time(arrivals: Sequence[float], device: Device, max_batch_rows: int, patience_seconds: float) -> int:
    """The most requests that can be answered within `patience_seconds` of their arrival.

    f[j][d] is the least time at which the device is free when d of the first j requests were given up and the others
    served: f[j][d] = min(f[j-1][d-1], min over b of s + S(b)), s = max(f[j-b][d], arrival j), where a batch of b counts
    only if s + S(b) is within the deadline of its oldest member. Of the d that leave the device free before the next
    arrival only the least matters, so the d worth keeping are few whatever the number of arrivals.
    """
    number = len(arrivals)
    free = np.full((max_batch_rows, number + 2), inf)  # row j % B holds f[j]
    free[0, 0] = -inf
    ring = np.arange(max_batch_rows)
    costs = np.array([device.seconds(rows) for rows in range(max_batch_rows + 1)])
    came = np.concatenate([np.asarray(arrivals, dtype=np.float64), [inf]])
    least, most = 0, 0  # the d kept, of all rows in the ring
    kept = [(0, 0)] * max_batch_rows
    for j in range(1, number + 1):
        rows = (j - ring - 1) % max_batch_rows + 1  # what a batch from each ring row to j holds
        oldest = np.maximum(j - rows, 0)
        served = np.maximum(free[:, least : most + 2], came[j - 1]) + costs[rows][:, None]
        served[served > (came[oldest] + patience_seconds)[:, None]] = inf
        row = served.min(axis=0)
        np.minimum(row[1:], free[(j - 1) % max_batch_rows, least : most + 1], out=row[1:])
        alive = np.flatnonzero(row < inf)
        idle = np.flatnonzero((row <= came[j]) & (row < inf))
        first, last = least + int(alive[0]), least + int(idle[0] if len(idle) else alive[-1])
        place = j % max_batch_rows
        free[place] = inf
        free[place, first : last + 1] = row[first - least : last + 1 - least]
        kept[place] = (first, last)
        least, most = min(low for low, _ in kept), max(high for _, high in kept)
    last_row = free[number % max_batch_rows]
    return number - int(np.flatnonzero(last_row < inf)[0])


def least_mean_seconds(arrivals: Sequence[float], device: Device, max_batch_rows: int) -> float:
    """The least mean of the seconds from arrival to answer when every request is answered.

    Keeps, after each number of requests served, the pairs (time the device is free, sum of latencies) of which none is
    better than another in both.
    """
    came = np.asarray(arrivals, dtype=np.float64)
    sums = np.concatenate([[0.0], np.cumsum(came)])
    fronts: list[tuple[Floats, Floats]] = [(np.array([-inf]), np.array([0.0]))]
    for j in range(1, len(came) + 1):
        frees, totals = [], []
        for rows in range(1, min(max_batch_rows, j) + 1):
            free, total = fronts[j - rows]
            ended = np.maximum(free, came[j - 1]) + device.seconds(rows)
            frees.append(ended)
            totals.append(total + rows * ended - (sums[j] - sums[j - rows]))
        horizon = came[j] if j < len(came) else inf
        fronts.append(_front(np.concatenate(frees), np.concatenate(totals), horizon))
        if j >= max_batch_rows:
            fronts[j - max_batch_rows] = (np.empty(0), np.empty(0))
    return float(fronts[-1][1].min()) / len(came)


def _front(free: Floats, total: Floats, horizon: float) -> tuple[Floats, Floats]:
    """The pairs that no other beats; being free before `horizon`, the next arrival, is worth nothing more."""
    free = np.maximum(free, horizon) if horizon < inf else np.full_like(free, inf)
    order = np.lexsort((total, free))
    free, total = free[order], total[order]
    best_before = np.concatenate([[inf], np.minimum.accumulate(total)[:-1]])
    keep = total < best_before
    return free[keep], total[keep]
