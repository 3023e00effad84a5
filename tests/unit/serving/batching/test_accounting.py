"""10,000 requests against a backend that fails, hangs, slows down and recovers at random: each ends exactly once.

In virtual time, through the real shell. PENSTOCK_TEST_STORM_REQUESTS and PENSTOCK_TEST_STORM_SEEDS (as in `1,2,3`) make
it longer and more of them; `make chaos` does.
"""

import asyncio
import os
from collections import Counter
from random import Random

import pytest

from tests.unit.serving.batching.storm import Caller, callers, gathering_storm
from tests.unit.serving.batching.virtual_time import in_virtual_time, run_in_virtual_time

REQUESTS = int(os.environ.get("PENSTOCK_TEST_STORM_REQUESTS", "10000"))
SEEDS = [int(seed) for seed in os.environ.get("PENSTOCK_TEST_STORM_SEEDS", "1").split(",")]


@pytest.mark.parametrize("seed", SEEDS)
@in_virtual_time
async def test_every_request_of_a_storm_ends_exactly_once(seed: int) -> None:
    storm, everybody = await gathering_storm(seed), callers(REQUESTS, Random(seed))
    endings = await asyncio.gather(*map(storm.ending, everybody))
    await storm.batcher.close()
    told = Counter(endings)
    assert told.total() == REQUESTS
    assert told["answered"] > 0.2 * REQUESTS, told
    assert {"cancelled", "BackendError", "BackendUnavailable", "DeadlineExceeded", "Overloaded"} <= told.keys()
    assert "answered" not in {end for end, caller in zip(endings, everybody, strict=True) if caller.is_poison}
    assert storm.core.endings == dict.fromkeys(range(REQUESTS), 1)
    assert len(storm.tally.rows) == storm.core.batches
    assert (storm.core.in_flight, storm.core.queued_rows, storm.core.queued_bytes) == (0, 0, 0)
    assert storm.core.next_deadline_seconds() is None


@in_virtual_time
async def test_after_a_storm_everybody_is_answered_again() -> None:
    storm = await gathering_storm(seed=3)
    await asyncio.gather(*map(storm.ending, callers(500, Random(3))))
    storm.is_over = True
    async with asyncio.timeout(60.0):
        while await storm.ending(Caller(storm.batcher.clock() + 0.1, first=10**6)) != "answered":
            pass
    later = [Caller(storm.batcher.clock() + 0.01 * number, first=10**6 + number) for number in range(100)]
    assert Counter(await asyncio.gather(*map(storm.ending, later))) == {"answered": 100}


def test_a_storm_repeats_itself() -> None:
    first, again, other = (run_in_virtual_time(endings_of(seed)) for seed in (7, 7, 8))
    assert first == again
    assert first != other


async def endings_of(seed: int) -> list[str]:
    storm = await gathering_storm(seed)
    endings = await asyncio.gather(*map(storm.ending, callers(300, Random(seed))))
    await storm.batcher.close()
    return endings
