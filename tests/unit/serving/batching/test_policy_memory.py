import tracemalloc
from collections.abc import Callable

from tests.unit.serving.batching.cores import batches, new_core, submission


def test_memory_stays_bounded_over_30_000_quick_requests() -> None:
    core = new_core()

    def answer_at_once(number: int) -> None:
        core.submit(submission(number), 0.0)
        for batch in batches(core.fill_slots(0.0)):
            core.batch_done(batch.batch, 0.0)

    assert bytes_kept_by_each_of_the_last(3_000, answer_at_once) < 30


def test_memory_stays_bounded_while_a_hung_backend_sees_30_000_come_and_go() -> None:
    core = new_core(submission(-2), submission(-1, 4))
    core.fill_slots(0.0)

    def come_and_go(number: int) -> None:
        core.submit(submission(number), 0.0)
        core.cancel(number)

    assert bytes_kept_by_each_of_the_last(3_000, come_and_go) < 30


def bytes_kept_by_each_of_the_last(number: int, story: Callable[[int], None]) -> float:
    """Memory that remains of each of the last of 30,000 stories; tracing them all would take seconds."""
    for each in range(30_000 - number):
        story(each)
    tracemalloc.start()
    for each in range(30_000 - number, 30_000):
        story(each)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return kept / number
