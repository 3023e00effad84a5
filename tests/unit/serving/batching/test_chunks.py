"""How large requests are cut."""

import pytest

from serving.batching.chunks import calls_needed, chunk_rows


@pytest.mark.parametrize(
    ("request_rows", "waiting", "room", "chunk"),
    [
        (3, 3, 4, 3),
        (4, 4, 3, 0),  # fits into a batch, so it is not cut for this one
        (9, 9, 4, 4),
        (9, 9, 1, 1),
        (9, 2, 4, 2),
    ],
)
def test_only_what_is_larger_than_a_batch_is_cut(request_rows: int, waiting: int, room: int, chunk: int) -> None:
    assert chunk_rows(request_rows, waiting, room, 4) == chunk


def test_the_last_call_may_be_smaller() -> None:
    assert [calls_needed(rows, 4) for rows in (1, 4, 5, 12)] == [1, 1, 2, 3]
