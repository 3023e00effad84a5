from itertools import accumulate, pairwise

from serving.workers.pauses import FIRST_SECONDS, LONGEST_SECONDS, STEADY_SECONDS, next_pause_seconds


def test_after_a_long_life_the_next_begins_at_once() -> None:
    assert next_pause_seconds(STEADY_SECONDS, last_pause_seconds=LONGEST_SECONDS) == 0


def test_pauses_grow_while_a_worker_dies_young() -> None:
    pauses = list(accumulate([1.0] * 12, lambda pause, lived: next_pause_seconds(lived, pause), initial=0.0))
    assert pauses[1] == FIRST_SECONDS
    assert all(later == min(LONGEST_SECONDS, 2 * earlier) for earlier, later in pairwise(pauses[1:]))
    assert pauses[-1] == LONGEST_SECONDS
