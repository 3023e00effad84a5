"""Records and bare rows as tensors, absent values, and the gateway's pointers as pointers into the rows."""

import struct
from collections.abc import Callable
from os import PathLike
from typing import Any

import numpy as np
import pandas as pd
import pytest
from penstock_client.errors import MissingField, UnreadableFile, WrongDtype, WrongShape
from penstock_client.frames import FrameRows
from penstock_client.grpc_rows import field_in_rows, tensors_of
from penstock_client.grpc_tensors import Tensor
from penstock_client.metadata import Feature, ModelMetadata, parse_metadata

Make = Callable[..., Any]


def no_files(path: str | PathLike[str]) -> bytes:
    raise UnreadableFile(f"no {path}")


@pytest.fixture
def house(house_metadata: Make) -> ModelMetadata:
    """`rooms` is 4 where nothing is said, `area` may be absent, `town` must be said."""
    body = house_metadata()
    area, rooms, _ = body["metadata"]["manifest"]["features"]
    area["optional"], rooms["default"] = True, 4.0
    return parse_metadata(body)


@pytest.fixture
def shapes(shapes_metadata: Make) -> ModelMetadata:
    return parse_metadata(shapes_metadata())


def sent(rows: Any, metadata: ModelMetadata) -> dict[str, Tensor]:
    return {tensor.name: tensor for tensor in tensors_of(rows, metadata, no_files)}


def test_records_are_a_tensor_a_feature(house: ModelMetadata) -> None:
    tensors = sent([{"town": "Bern", "area": 90, "rooms": 3}, {"area": 30.5, "rooms": 1, "town": "Zug"}], house)
    assert tensors["area"] == Tensor("area", "FP32", (2,), struct.pack("<2f", 90, 30.5))
    assert tensors["rooms"] == Tensor("rooms", "INT64", (2,), struct.pack("<2q", 3, 1))
    assert tensors["town"].raw == b"\4\0\0\0Bern\3\0\0\0Zug"


def test_bare_rows_and_records_of_one_feature_are_the_same(shapes: ModelMetadata) -> None:
    pixels = [[0, 1], [2, 3]]
    assert sent([pixels], shapes) == sent([{"image": pixels}], shapes)
    assert sent([{"b64": "/w=="}], shapes)["image"].raw == b"\1\0\0\0\xff"


def test_what_no_row_says_is_left_to_the_gateway(house: ModelMetadata) -> None:
    assert sent([{"town": "Bern"}, {"town": "Zug", "area": None}], house).keys() == {"town"}
    assert sent([{"area": 1}], house).keys() == {"area"}


def test_where_some_rows_say_it_the_others_get_the_manifests_default_or_nan(house: ModelMetadata) -> None:
    tensors = sent([{"town": "Bern", "rooms": 2}, {"town": "Zug", "area": 1}], house)
    assert tensors["rooms"].raw == struct.pack("<2q", 2, 4)
    assert tensors["area"].raw == struct.pack("<2f", float("nan"), 1)


def test_where_some_rows_say_it_the_others_must_if_nothing_may_stand_for_it(house: ModelMetadata) -> None:
    with pytest.raises(MissingField, match="`town` has no value and no default") as refused:
        sent([{"town": "Bern"}, {"area": 1}], house)
    assert refused.value.field == "/instances/1/town"


def test_rows_that_say_nothing_still_have_a_number(house: ModelMetadata) -> None:
    (tensor,) = sent([{}, {}], house).values()
    assert tensor.shape == (2,)


def test_a_model_of_several_features_takes_records(house: ModelMetadata) -> None:
    with pytest.raises(WrongDtype, match="a record with `area`, `rooms`, `town` is expected") as refused:
        sent([{"town": "Bern"}, 3], house)
    assert refused.value.field == "/instances/1"


def test_a_name_the_version_does_not_have_is_sent_for_the_gateway_to_judge(house: ModelMetadata) -> None:
    tensors = sent([{"town": "Bern"}, {"town": "Zug", "garden": "yes"}], house)
    assert tensors["garden"].datatype == "BYTES"


@pytest.mark.parametrize(
    ("field", "there"),
    [
        ("/inputs/area/1", "/instances/1/area"),
        ("/inputs/image/0/3/2", "/instances/0/image/3/2"),
        ("/inputs/garden", "/instances/1/garden"),
        ("/inputs/a~1b", "/instances/1/a~1b"),
        ("/inputs/area/shape", "/instances/0/area"),
        ("/inputs", "/instances/0/town"),
        ("/model_name", "/model_name"),
        (None, None),
    ],
)
def test_pointers_into_tensors_become_pointers_into_records(
    house: ModelMetadata, field: str | None, there: str | None
) -> None:
    rows = [{"area": 1}, {"area": 1, "garden": 1, "a/b": 2, "town": "Bern"}]
    assert field_in_rows(field, rows, house) == there


def test_pointers_into_bare_rows_name_no_feature(shapes: ModelMetadata) -> None:
    rows = [[[0, 1], [2, 3]]] * 2
    assert field_in_rows("/inputs/image/1", rows, shapes) == "/instances/1"
    assert field_in_rows("/inputs/image", rows, shapes) == "/instances/0"


NUMBERS = ModelMetadata("m", 1, (Feature("number", "a/b", "float32"), Feature("number", "c", "float32")), ("value",))
MATRIX = np.array([[1, 2], [3, 4]], np.float32)


@pytest.mark.parametrize("rows", [MATRIX, list(MATRIX), MATRIX.T.copy().T], ids=["whole", "rows", "column by column"])
def test_an_array_has_a_column_for_each_feature(rows: Any) -> None:
    tensors = sent(rows, NUMBERS)
    assert tensors["a/b"] == Tensor("a/b", "FP32", (2,), struct.pack("<2f", 1, 3))
    assert tensors["c"] == Tensor("c", "FP32", (2,), struct.pack("<2f", 2, 4))
    assert field_in_rows("/inputs/a~1b/1", rows, NUMBERS) == "/instances/1/0"


def test_a_frame_of_numbers_goes_as_its_columns() -> None:
    tensors = sent(FrameRows(pd.DataFrame({"c": [2, 4], "a/b": [1.5, 3.5]})), NUMBERS)
    assert [tensors[name].datatype for name in ("a/b", "c")] == ["FP64", "FP64"]
    assert tensors["a/b"].raw == struct.pack("<2d", 1.5, 3.5)


def test_a_frame_of_more_than_numbers_goes_as_records(house: ModelMetadata) -> None:
    frame = pd.DataFrame({"town": ["Bern", "Zug"], "area": [90.0, float("nan")]})
    tensors = sent(FrameRows(frame), house)
    assert tensors["town"].raw == b"\4\0\0\0Bern\3\0\0\0Zug"
    assert tensors["area"].raw == struct.pack("<2f", 90, float("nan"))


def test_an_array_with_another_number_of_columns_is_refused() -> None:
    with pytest.raises(WrongShape, match="each of the 2 features"):
        sent(np.ones((2, 3)), NUMBERS)
