import pytest

from serving.batching.admission import Load, QueueLimits, refusal
from serving.errors import InvalidInput, Overloaded, PayloadTooLarge

LIMITS = QueueLimits(max_rows=10, max_bytes=1_000)
EMPTY = Load(rows=0, nbytes=0, drain_seconds=0.0)
BUSY = Load(rows=8, nbytes=900, drain_seconds=4.0)


def test_what_fits_may_enter() -> None:
    assert refusal(10, 1_000, EMPTY, LIMITS) is None
    assert refusal(2, 100, BUSY, LIMITS) is None


@pytest.mark.parametrize(("rows", "nbytes"), [(3, 0), (1, 101)])
def test_a_full_queue_says_when_it_will_have_drained(rows: int, nbytes: int) -> None:
    error = refusal(rows, nbytes, BUSY, LIMITS)
    assert isinstance(error, Overloaded)
    assert error.retry_after_seconds == 4.0


def test_a_queue_that_knows_no_speed_yet_says_at_once() -> None:
    error = refusal(10, 0, Load(rows=1, nbytes=0, drain_seconds=0.0), LIMITS)
    assert isinstance(error, Overloaded)
    assert error.retry_after_seconds == 0.0


@pytest.mark.parametrize(("rows", "nbytes", "named"), [(11, 0, "11 rows"), (1, 1_001, "1001 bytes")])
def test_what_can_never_fit_is_not_told_to_come_back(rows: int, nbytes: int, named: str) -> None:
    error = refusal(rows, nbytes, EMPTY, LIMITS)
    assert isinstance(error, PayloadTooLarge)
    assert named in str(error)


def test_no_rows_at_all_are_refused() -> None:
    assert isinstance(refusal(0, 0, EMPTY, LIMITS), InvalidInput)
