import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.observability.cells import CHUNK_BYTES, KEY_STEP_BYTES, REST_SECONDS, Cells, Key, records

KEY_CELLS = KEY_STEP_BYTES // 8
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
    cells, most = fresh(), CHUNK_BYTES // 8 - 1 - KEY_CELLS
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
    end = (1 + KEY_CELLS + 1) * 8
    cells.chunks[0][end + 8 : end + 13] = b'["b"]'  # the key is there, the word before it not yet
    again = Cells(cells.chunks, chunk)
    assert told(again) == {("a",): [1]}
    add(again, ("c",), 1, 0, 2)
    assert told(again) == {("a",): [1], ("c",): [2]}


def test_a_freed_record_is_told_no_more_and_its_room_is_used_again_after_a_rest() -> None:
    cells = fresh()
    add(cells, ("a",), 2, 1, 1)
    left = cells.slot(("b",), 2)
    cells.free([("a",)], 0.0)
    assert told(cells) == {("b",): [0, 0]}
    cells.free([], REST_SECONDS - 1)
    assert cells.slot(("c",), 2).at > left.at
    cells.free([], REST_SECONDS)
    add(cells, ("longer", "but", "of", "a step"), 2, 0, 2)
    assert cells.slot(("longer", "but", "of", "a step"), 2).at < left.at
    assert told(cells) == {("b",): [0, 0], ("c",): [0, 0], ("longer", "but", "of", "a step"): [2, 0]}


def test_room_is_not_used_for_other_sizes() -> None:
    cells = fresh()
    cells.slot(("a",), 2)
    cells.slot(("b",), 2)
    cells.free([("a",)], 0.0)
    cells.free([], REST_SECONDS)
    for key, size in ((("c",), 3), (("c" * KEY_STEP_BYTES,), 2)):
        add(cells, key, size, size - 1, 1)
    assert told(cells) == {("b",): [0, 0], ("c",): [0, 0, 1], ("c" * KEY_STEP_BYTES,): [0, 1]}


def test_whoever_kept_a_freed_place_adds_to_nothing_that_is_told() -> None:
    cells = fresh()
    kept, at = cells.slot(("a",), 1)
    cells.free([("a",)], 0.0)
    kept[at] += 1
    cells.free([], REST_SECONDS)
    assert cells.slot(("b",), 1).at == at
    assert told(cells) == {("b",): [0]}


_STEPS = st.lists(st.tuples(KEYS, st.sampled_from(["add", "free", "die"])), max_size=30)


@given(_STEPS)
def test_records_come_and_go_in_any_order_and_lives(steps: list[tuple[Key, str]]) -> None:
    cells, expected = fresh(), dict[Key, list[float]]()
    for now, (key, step) in enumerate(steps):
        if step == "add":
            add(cells, key, 2, 1, 1)
            expected.setdefault(key, [0, 0])[1] += 1
        elif step == "die":
            cells = Cells(cells.chunks, chunk)
        elif key in expected:
            cells.free([key], now * REST_SECONDS)
            del expected[key]
        assert told(cells) == expected
        assert set(cells) == set(expected)


def test_a_thousand_that_come_and_go_take_no_more_room_than_ten() -> None:
    cells = fresh()
    for number in range(1000):
        cells.free([("request", "digits", str(number - 1))] if number else [], number * REST_SECONDS)
        add(cells, ("request", "digits", str(number)), 100, 99, number)
    assert told(cells) == {("request", "digits", "999"): [0] * 99 + [999]}
    assert len(cells.chunks) == 1
