"""How a large batch is cut."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from penstock_client.bulk_cutting import (
    CHUNK_BYTES,
    MOST_ROWS,
    approximate_bytes,
    chunks_of,
    rows_per_chunk,
    total_rows,
)
from PIL import Image

pd = pytest.importorskip("pandas")


def cut(inputs: Any, chunk_rows: int | None) -> list[tuple[int, int, Any]]:
    return [(chunk.index, chunk.start, chunk.rows) for chunk in chunks_of(inputs, chunk_rows)]


def test_lists_and_iterators_are_cut_the_same() -> None:
    expected = [(0, 0, [0, 1]), (1, 2, [2, 3]), (2, 4, [4])]
    assert cut([0, 1, 2, 3, 4], 2) == expected
    assert cut(iter(range(5)), 2) == expected


def test_an_array_is_sliced_and_not_copied() -> None:
    array = np.arange(10).reshape(5, 2)
    parts = [rows for _, _, rows in cut(array, 2)]
    assert [len(part) for part in parts] == [2, 2, 1]
    assert all(part.base is array.base for part in parts)
    np.testing.assert_array_equal(np.concatenate(parts), array)


def test_a_frame_is_sliced_by_place_whatever_its_index() -> None:
    frame = pd.DataFrame({"age": [1, 2, 3]}, index=[7, 7, 0])
    assert [rows["age"].tolist() for _, _, rows in cut(frame, 2)] == [[1, 2], [3]]


def test_no_more_rows_are_taken_than_the_next_chunk_needs() -> None:
    taken = []

    def rows() -> Iterator[int]:
        for row in range(100):
            taken.append(row)
            yield row

    chunks = chunks_of(rows(), 3)
    assert not taken
    next(chunks)
    assert len(taken) == 3


@pytest.mark.parametrize("inputs", [[], np.zeros((0, 3)), iter([]), pd.DataFrame({"age": []})])
def test_no_rows_are_no_chunks(inputs: Any) -> None:
    assert cut(inputs, None) == []


@pytest.mark.parametrize("inputs", [{"age": 59}, "seven.png", b"PNG", Path("seven.png"), 3.5])
def test_one_input_is_not_many_rows(inputs: Any) -> None:
    with pytest.raises(ValueError, match="is one input"):
        chunks_of(inputs, None)


@pytest.mark.parametrize(
    ("inputs", "expected"), [([1, 2], 2), (np.zeros((3, 2)), 3), (iter([1]), None), (pd.DataFrame({"a": [1]}), 1)]
)
def test_how_many_rows_there_are_is_known_where_they_can_be_counted(inputs: Any, expected: int | None) -> None:
    assert total_rows(inputs) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (np.zeros(10, np.float32), MOST_ROWS),
        (np.zeros((224, 224, 3), np.float32), 1),
        (np.zeros(64 * 1024, np.uint8), CHUNK_BYTES // (64 * 1024)),
        (Path("seven.png"), 5),
        (b"x" * CHUNK_BYTES * 2, 1),
        ({"age": 59.0, "town": "Ulm"}, MOST_ROWS),
        ([[0.0] * 100] * 100, 4),
    ],
)
def test_large_rows_go_few_at_a_time(row: Any, expected: int) -> None:
    assert rows_per_chunk(row) == expected


def test_a_picture_counts_its_pixels() -> None:
    assert approximate_bytes(Image.new("RGB", (20, 10))) == 600
