"""What asking who calls costs: requests of one row by the in-memory backend, in a gateway that asks nobody, in one that
asks for a key, and in one whose caller has a quota of rows and of requests at once.

In one process and without HTTP, as `metrics_cost.py`: turns of all three are taken alternately, and the median of each
turn's difference of processor time to the first is told.

usage: python -m loadtests.bench.access_cost [--rounds N] [--requests N]
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from loadtests.bench.metrics_cost import cpu_seconds, endpoint_with
from loadtests.bench.samples import spread, turn_by_turn
from serving.access.caller import Caller, Presented, Quota, Verb
from serving.access.visitors import Visitors
from serving.observability.metrics import RequestMetrics
from serving.rest.request_head import RequestHead

KINDS = ("nobody is asked", "a key", "a key with a quota")
HEAD = RequestHead({b"x-api-key": b"secret"})


class OneKey:
    """Credentials that know one caller."""

    generation = 1

    def __init__(self, quota: Quota) -> None:
        self._caller = Caller("bench", frozenset(Verb), frozenset({"doubles"}), quota)

    def caller_of(self, presented: Presented, now_seconds: float) -> Caller | None:
        del presented, now_seconds
        return self._caller


async def measured(rounds: int, requests: int) -> list[list[float]]:
    """Seconds a request, a round each, of every kind. The first round is not told."""
    with tempfile.TemporaryDirectory() as folder:
        visitors = [None, Visitors([OneKey(Quota())]), Visitors([OneKey(Quota(1e12, 10**6))])]
        endpoints = [await endpoint_with(RequestMetrics(), Path(folder), each) for each in visitors]
        found: list[list[float]] = [[] for _ in endpoints]
        for _ in range(rounds + 1):
            for place, endpoint in enumerate(endpoints):
                found[place].append(await cpu_seconds(endpoint, requests, HEAD))
    return [each[1:] for each in found]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=301)
    parser.add_argument("--requests", type=int, default=960, help="of each round")
    arguments = parser.parse_args()
    found = asyncio.run(measured(arguments.rounds, arguments.requests))
    for name, seconds in zip(KINDS, found, strict=True):
        more = spread(turn_by_turn(seconds, found[0], lambda a, b: a - b))
        sys.stdout.write(f"{name:<20} {spread(seconds).median * 1e6:5.1f} us a request, {more.median * 1e6:+.2f} us\n")


if __name__ == "__main__":
    main()
