"""The plan of a large batch: order, bounds and whose row an error is about."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from penstock_client.bulk import BulkOptions, ChunkOutcome, Window, chunk_flow, field_in_batch, pinned
from penstock_client.bulk_cutting import Chunk
from penstock_client.errors import WrongDtype
from penstock_client.files import read_file
from penstock_client.messages import Address, Response
from penstock_client.metadata import Feature
from penstock_client.protocol import Protocol
from penstock_client.rest_dialect import RestDialect

Metadata = Callable[..., dict[str, Any]]
FEATURES = (Feature("number", "age", "float32"), Feature("number", "bmi", "float32"))


def opened(concurrency: int) -> Window[str]:
    window: Window[str] = Window(concurrency)
    for index in range(2 * concurrency):
        window.open(index)
    return window


def test_answers_come_in_the_order_of_their_chunks() -> None:
    window = opened(2)
    window.close(ChunkOutcome(1, "b"))
    assert list(window.ready()) == []
    window.close(ChunkOutcome(0, "a"))
    assert list(window.ready()) == ["a", "b"]
    window.close(ChunkOutcome(2, "c"))
    assert list(window.ready()) == ["c"]


def test_what_is_held_is_bounded_by_the_first_without_an_answer() -> None:
    window = opened(2)
    for index in (1, 2, 3):
        window.close(ChunkOutcome(index, "later"))
    assert (window.has_room, window.is_empty) == (False, False)
    window.close(ChunkOutcome(0, "first"))
    assert len(list(window.ready())) == 4
    assert (window.has_room, window.is_empty) == (True, True)


def test_an_error_waits_for_the_chunks_before_it() -> None:
    window: Window[str] = Window(2)
    window.open(4)
    window.open(5)
    window.close(ChunkOutcome(5, error=KeyError("late")))
    assert not window.has_room
    assert list(window.ready()) == []
    window.close(ChunkOutcome(4, "a"))
    answers = window.ready()
    assert next(answers) == "a"
    with pytest.raises(KeyError, match="late"):
        next(answers)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("/instances/3/age", "/instances/2003/age"),
        ("/instances/3/age/0", "/instances/2003/age/0"),
        ("/instances/3", "/instances/2003"),
        ("/3/1", "/instances/2003/bmi"),
        ("/3/7", "/instances/2003/7"),
        ("/3", "/instances/2003"),
        ("/instances/3/1", "/instances/2003/bmi"),
        (None, "/instances/2000"),
        ("/signature_name", "/instances/2000"),
    ],
)
def test_rows_count_over_the_whole_batch(field: str | None, expected: str) -> None:
    assert field_in_batch(field, 2000, FEATURES) == expected


def test_a_chunk_is_a_request_and_its_error_names_the_row(
    script: Callable[..., Any], answer: Callable[..., Response], house_metadata: Metadata
) -> None:
    error = Response(400, {}, b'{"error": "text", "code": "WrongDtype", "field": "/instances/1/area"}')
    asked = script(answer(house_metadata()), error)
    flow = chunk_flow(
        Protocol(RestDialect(), read_file=read_file), Address("house"), Chunk(5, 500, [{"area": "x"}] * 2)
    )
    with pytest.raises(WrongDtype) as raised:
        asked.run(flow)
    assert raised.value.field == "/instances/501/area"
    assert asked.paths[-1] == "POST /v1/models/house:predict"


def test_one_row_is_no_chunk(
    script: Callable[..., Any], answer: Callable[..., Response], shapes_metadata: Metadata
) -> None:
    flow = chunk_flow(Protocol(RestDialect(), read_file=read_file), Address("shapes"), Chunk(0, 0, np.zeros((2, 2))))
    with pytest.raises(ValueError, match="one row"):
        script(answer(shapes_metadata())).run(flow)


def test_the_version_that_answered_is_pinned_in_place_of_a_label(
    script: Callable[..., Any], answer: Callable[..., Response], house_metadata: Metadata
) -> None:
    address = Address("house", label="canary")
    asked = script(answer(house_metadata(4)), answer({"predictions": [[1.0]]}, x_model_version="4"))
    answered = asked.run(chunk_flow(Protocol(RestDialect(), read_file=read_file), address, Chunk(0, 0, [{"area": 1}])))
    assert pinned(address, answered) == Address("house", version=4)


@pytest.mark.parametrize("options", [{"chunk_rows": 0}, {"concurrency": 0}, {"concurrency": -1}])
def test_options_that_make_no_sense_are_wrong_use(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        BulkOptions(**options)  # type: ignore[arg-type]  # one of the integers
