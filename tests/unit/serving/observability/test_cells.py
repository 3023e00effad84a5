import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.observability.cells import CHUNK_BYTES, Cells, Key, records

KEYS = st.lists(st.text(max_size=8), min_size=1, max_size=3).map(tuple)


def chunk() -> memoryview:
    return memoryview(bytearray(CHUNK_BYTES))


def fresh() -> Cells:
    return Cells((), chunk)


def told(cells: Cells) -> dict[Key, list[float]]:
    return {record.key: list(record.cells) for record in records(cells.chunks)}


def add(cells: Cells, key: Key, size: int, at: int, value: float) -> None:
    where, start = cells.slot(key, size)
    where[start + at] += value


def test_a_key_keeps_its_place() -> None:
    cells = fresh()
    assert cells.slot(("a", "b"), 3) == cells.slot(("a", "b"), 3)
    assert told(cells) == {("a", "b"): [0, 0, 0]}


@given(st.lists(st.tuples(KEYS, st.integers(0, 4), st.integers(1, 1000)), max_size=12))
def test_what_is_added_under_each_key_is_read_back(additions: list[tuple[Key, int, int]]) -> None:
    cells, expected = fresh(), dict[Key, list[float]]()
    for key, at, value in additions:
        add(cells, key, 5, at, value)
        expected.setdefault(key, [0.0] * 5)[at] += value
    assert told(cells) == expected


def test_records_go_on_in_the_next_chunk_when_one_is_full() -> None:
    cells, size = fresh(), CHUNK_BYTES // 8 // 3
    for name in "abcdef":
        add(cells, (name,), size, size - 1, ord(name))
    assert len(cells.chunks) == 3
    assert {key: values[-1] for key, values in told(cells).items()} == {(name,): ord(name) for name in "abcdef"}


def test_a_record_may_fill_a_chunk_to_its_end_and_no_further() -> None:
    cells, most = fresh(), CHUNK_BYTES // 8 - 2
    for _ in range(2):
        add(cells, ("a",), most, most - 1, 1)
    assert told(cells)["a",][-1] == 2
    with pytest.raises(ValueError, match="a chunk has"):
        cells.slot(("b",), most + 1)


@given(st.lists(st.tuples(KEYS, st.booleans()), min_size=1, max_size=8))
def test_a_second_life_goes_on_where_the_first_ended(additions: list[tuple[Key, bool]]) -> None:
    cells, expected = fresh(), dict[Key, list[float]]()
    for key, dies in additions:
        if dies:
            cells = Cells(cells.chunks, chunk)
        add(cells, key, 2, 1, 1)
        expected.setdefault(key, [0, 0])[1] += 1
    assert told(cells) == expected


def test_a_record_half_written_at_death_is_no_record() -> None:
    cells = fresh()
    add(cells, ("a",), 1, 0, 1)
    end = 24
    cells.chunks[0][end + 8 : end + 13] = b'["b"]'  # the key is there, the word before it not yet
    again = Cells(cells.chunks, chunk)
    assert told(again) == {("a",): [1]}
    add(again, ("c",), 1, 0, 2)
    assert told(again) == {("a",): [1], ("c",): [2]}
