"""How many rows a batch holds at most, and how many its call has."""

import pytest

from serving.batching.batch_size import (
    CALLS_BEFORE_GROWTH,
    Ceiling,
    LargestBatch,
    call_rows,
    explored,
    largest_batch,
    rows_to_send,
    worthwhile,
)


def seconds(rows: int) -> float:
    return 1.0 + 0.1 * rows


def unknown(_: int) -> None:
    return None


def test_without_an_objective_the_largest_is_allowed() -> None:
    assert largest_batch(64, (), seconds, None).rows == 64


def test_nothing_known_is_no_reason_for_small_batches() -> None:
    assert largest_batch(64, (), unknown, 0.001).rows == 64


def test_twice_the_largest_batchs_p95_fits_into_the_objective() -> None:
    chosen = largest_batch(64, (), seconds, 6.05)
    assert chosen.rows == 20
    assert "6.05 s" in chosen.reason
    assert largest_batch(20, (), seconds, 6.05).rows == 20


def test_no_patience_makes_batches_so_small_that_most_are_refused() -> None:
    """64 rows take 7.4 s, 8.6 rows a second: half of that needs 8 rows a batch."""
    tiny = LargestBatch(2, "patience")
    assert worthwhile(tiny, 64, (), seconds).rows == 8
    assert worthwhile(tiny, 64, (1, 2, 32, 64), seconds).rows == 32
    assert "half" in worthwhile(tiny, 64, (), seconds).reason
    assert worthwhile(LargestBatch(20, ""), 64, (), seconds).rows == 20
    assert worthwhile(tiny, 64, (), lambda rows: 0.001 + rows) == tiny, "where batches gain nothing"
    assert worthwhile(tiny, 64, (), unknown) == tiny


def test_allowed_sizes_bind() -> None:
    assert largest_batch(64, (1, 8, 16, 32), seconds, 6.05).rows == 16
    assert largest_batch(10, (1, 8, 16, 32), seconds, None).rows == 8


def test_an_objective_out_of_reach_leaves_the_smallest_size() -> None:
    assert largest_batch(64, (), seconds, 0.5).rows == 1
    assert largest_batch(64, (4, 8), seconds, 0.5).rows == 4


def test_a_batch_smaller_than_any_allowed_size_is_filled_up() -> None:
    assert largest_batch(8, (20,), seconds, None).rows == 8
    assert call_rows(8, (20,)) == 20


@pytest.mark.parametrize(
    ("rows", "sizes", "call"), [(3, (1, 4, 8), 4), (4, (1, 4, 8), 4), (9, (1, 4, 8), 9), (3, (), 3)]
)
def test_a_call_has_the_next_allowed_size(rows: int, sizes: tuple[int, ...], call: int) -> None:
    assert call_rows(rows, sizes) == call


@pytest.mark.parametrize(
    ("waiting", "fixed", "per_row", "sent"),
    [
        (5, 0.0, 1.0, 4),  # 4 rows cost 4, 5 padded to 8 cost 8: 1 a row against 1.6
        (7, 1.0, 0.1, 7),  # the call itself is what costs
        (7, 0.0, 1.0, 4),  # 1 a row against 8/7
        (8, 0.0, 1.0, 8),
        (3, 0.0, 1.0, 3),  # nothing below
    ],
)
def test_the_size_below_is_sent_where_it_is_cheaper_a_row(
    waiting: int, fixed: float, per_row: float, sent: int
) -> None:
    assert rows_to_send(waiting, (4, 8), lambda rows: fixed + per_row * rows) == sent


def test_nothing_known_means_padding() -> None:
    assert rows_to_send(5, (4, 8), unknown) == 5


def test_the_ceiling_is_halved_and_comes_back_slowly() -> None:
    ceiling = Ceiling(64)
    ceiling.exhausted(40)
    assert (ceiling.rows, ceiling.lowered) == (20, True)
    rises = [ceiling.done(20) for _ in range(CALLS_BEFORE_GROWTH)]
    assert rises == [False] * (CALLS_BEFORE_GROWTH - 1) + [True]
    assert ceiling.rows == 22
    assert not any(ceiling.done(3) for _ in range(1_000)), "small calls say nothing of large ones"
    while ceiling.lowered:
        ceiling.done(ceiling.rows)
    assert ceiling.rows == 64


def test_the_ceiling_leaves_one_row() -> None:
    ceiling = Ceiling(64)
    for _ in range(10):
        ceiling.exhausted(1)
    assert ceiling.rows == 1


def test_sizes_that_no_call_had_yet_are_tried_one_step_at_a_time() -> None:
    few = LargestBatch(4, "")
    assert explored(few, 64, ()).rows == 8
    assert explored(few, 6, ()).rows == 6
    assert explored(few, 4, ()) == few
    assert explored(few, 64, (1, 4, 32, 64)).rows == 32
    assert explored(few, 31, (1, 4, 32, 64)) == few
