"""Rows to batches and back: everybody gets exactly their own rows, and nothing is copied without need."""

from collections.abc import Iterator
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.backend_protocol import Arrays
from serving.batching.collate import Part, Reassembly, all_finite, check_rows, collate
from serving.contract.tensors import Array
from serving.errors import BackendRejected


def rows_of(request: int, rows: int) -> dict[str, Array]:
    """Rows that say whose they are, as numbers and as strings."""
    ids = np.array([[request, row] for row in range(rows)], np.int64).reshape(rows, 2)
    names = np.array([f"{request}/{row}".encode() for row in range(rows)], object)
    return {"ids": ids, "names": names}


def cut(sizes: list[int], room: int) -> Iterator[list[tuple[int, int, int]]]:
    """Rows of requests of these sizes as batches of at most `room` rows: (request, start, rows)."""
    left = [(request, row) for request, size in enumerate(sizes) for row in range(size)]
    for first in range(0, len(left), room):
        batch = left[first : first + room]
        members = sorted({request for request, _ in batch})
        yield [(m, min(r for q, r in batch if q == m), sum(q == m for q, _ in batch)) for m in members]


@given(st.lists(st.integers(1, 12), min_size=1, max_size=8), st.integers(1, 9), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_every_request_gets_its_own_rows_back(sizes: list[int], room: int, random: Random) -> None:
    requests = [rows_of(request, size) for request, size in enumerate(sizes)]
    assemblies = [Reassembly(size) for size in sizes]
    order = list(cut(sizes, room))
    random.shuffle(order)
    for batch in order:
        echo = collate([Part(requests[request], start, rows) for request, start, rows in batch])
        check_rows(echo, sum(rows for _, _, rows in batch))
        offset = 0
        for request, start, rows in batch:
            assemblies[request].add(echo, offset, start, rows)
            offset += rows
    for assembly, inputs in zip(assemblies, requests, strict=True):
        for name, array in inputs.items():
            np.testing.assert_array_equal(assembly.outputs[name], array)
            assert assembly.outputs[name].dtype == array.dtype


def test_a_batch_of_one_part_is_not_copied() -> None:
    inputs = rows_of(1, 8)
    batch = collate([Part(inputs, 2, 4)])
    assert np.shares_memory(batch["ids"], inputs["ids"])
    assert batch["ids"].tolist() == inputs["ids"][2:6].tolist()


def test_an_answer_in_one_piece_is_not_copied() -> None:
    outputs, assembly = rows_of(1, 8), Reassembly(3)
    assembly.add(outputs, 4, 0, 3)
    assert np.shares_memory(assembly.outputs["ids"], outputs["ids"])


def test_inputs_may_come_in_any_order_of_names() -> None:
    one, two = rows_of(1, 1), rows_of(2, 1)
    swapped: Arrays = {"names": two["names"], "ids": two["ids"]}
    assert collate([Part(one, 0, 1), Part(swapped, 0, 1)])["ids"].tolist() == [[1, 0], [2, 0]]


@pytest.mark.parametrize("output", [np.zeros(3), np.zeros((5, 2)), np.float32(1.0).reshape(())])
def test_an_output_without_a_row_per_input_row_is_refused(output: Array) -> None:
    with pytest.raises(BackendRejected, match="for 4 rows of input"):
        check_rows({"fine": np.zeros(4), "y": output}, 4)


@pytest.mark.parametrize(
    "second",
    [
        {"y": np.zeros((2, 3), np.float32)},
        {"y": np.zeros((2, 2), np.float64)},
        {"z": np.zeros((2, 2), np.float32)},
        {},
    ],
    ids=["shape", "dtype", "name", "nothing"],
)
def test_outputs_that_change_between_two_parts_are_refused(second: dict[str, Array]) -> None:
    assembly = Reassembly(4)
    assembly.add({"y": np.zeros((2, 2), np.float32)}, 0, 0, 2)
    with pytest.raises(BackendRejected, match="between two parts"):
        assembly.add(second, 0, 2, 2)


@pytest.mark.parametrize(("rows", "size"), [(1, 1), (2, 4), (4, 4), (5, 16), (17, 17)])
def test_rows_are_filled_up_to_the_next_size_with_copies_of_the_last(rows: int, size: int) -> None:
    inputs = rows_of(1, rows)
    full = collate([Part(inputs, 0, rows)], (1, 4, 16))
    for name, array in inputs.items():
        assert full[name].dtype == array.dtype
        assert full[name].tolist() == array.tolist() + [array[-1].tolist() if array.ndim > 1 else array[-1]] * (
            size - rows
        )


@pytest.mark.parametrize("sizes", [(), (1, 4)])
def test_a_batch_that_needs_no_filling_is_not_copied(sizes: tuple[int, ...]) -> None:
    inputs = rows_of(1, 4)
    assert collate([Part(inputs, 0, 4)], sizes)["ids"] is inputs["ids"]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_non_finite_output_is_noticed(bad: float) -> None:
    names = np.array([b"nan"], object)
    assert not all_finite({"a": np.array([1]), "b": np.array([[1.0, bad]], np.float16)})
    assert all_finite({"a": np.array([1]), "b": np.array([1.0]), "c": names})
