"""How many requests it takes to say that a percentile is held, given how many were late. Pure.

MLPerf Inference's early stopping (mlcommons/inference_policies, "Early Stopping Criterion"): a run of n requests of
which t were late shows with confidence c that at least a share p is in time when the chance of so few late ones, were
the share of late ones 1 - p, is at most 1 - c: the binomial sum of n over 0..t, which is the regularised incomplete
beta function I_p(n - t, t + 1).
"""

import math

PERCENTILE, CONFIDENCE = 0.99, 0.99


def chance_of_at_most(late: int, requests: int, late_share: float) -> float:
    """The binomial sum, by the logarithms of its terms: P(X <= late) of `requests` that are late with `late_share`."""
    if late >= requests:
        return 1.0
    on_time, is_late = math.log1p(-late_share), math.log(late_share)
    choices = (math.lgamma(requests + 1) - math.lgamma(k + 1) - math.lgamma(requests - k + 1) for k in range(late + 1))
    logs = [choice + k * is_late + (requests - k) * on_time for k, choice in enumerate(choices)]
    greatest = max(logs)
    return min(1.0, math.exp(greatest) * math.fsum(math.exp(log - greatest) for log in logs))


def requests_needed(late: int, *, percentile: float = PERCENTILE, confidence: float = CONFIDENCE) -> int:
    """The least number of requests of which `late` may be late: at p99 459, 662, 838 for none, one and two."""
    share, doubt = 1 - percentile, 1 - confidence
    low, high = late, max(1, 2 * late)
    while chance_of_at_most(late, high, share) > doubt:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if chance_of_at_most(late, middle, share) > doubt:
            low = middle
        else:
            high = middle
    return high


def is_held(requests: int, late: int) -> bool:
    """Whether so many requests with so many late ones show that the 99th percentile is in time."""
    return chance_of_at_most(late, requests, 1 - PERCENTILE) <= 1 - CONFIDENCE


def is_missed(requests: int, late: int) -> bool:
    """Whether they show, with the same confidence, that it is not."""
    return late > 0 and 1 - chance_of_at_most(late - 1, requests, 1 - PERCENTILE) <= 1 - CONFIDENCE
