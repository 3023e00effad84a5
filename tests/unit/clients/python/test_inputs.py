"""One or many, and what stands for a file: the rule of `penstock_client.inputs`, form by form."""

import base64
import json
from collections import deque
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from penstock_client.errors import OutOfRange, WrongDtype
from penstock_client.inputs import render_instances, split_rows
from penstock_client.metadata import Feature
from PIL import Image

IMAGE = Feature(kind="image", name="image", dtype="float32", shape=(2, 2))
NUMBER = Feature(kind="number", name="x", dtype="float32")
VECTOR = Feature(kind="tensor", name="x", dtype="float32", shape=(3,))
TEXT = Feature(kind="text", name="review", dtype="string")
RECORD = (NUMBER, Feature(kind="image", name="photo", dtype="float32", shape=(2, 2)))
PIXELS = [[0, 1], [2, 3]]


def contents(path: str | PathLike[str]) -> bytes:
    """A file system in which each file holds its own name."""
    return str(path).encode()


def sent(inputs: Any, *features: Feature) -> Any:
    return json.loads(render_instances(split_rows(inputs, features), contents))["instances"]


def b64(data: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(data).decode()}


@pytest.mark.parametrize(
    ("feature", "one"),
    [
        (IMAGE, PIXELS),
        (IMAGE, np.zeros((2, 2))),
        (IMAGE, [0, 1, 2, 3]),  # too shallow for a row: the gateway can say what is wrong with one row
        (IMAGE, b"\x89PNG"),
        (IMAGE, Path("seven.png")),
        (IMAGE, "seven.png"),
        (IMAGE, {"b64": "AAAA"}),
        (IMAGE, {"image": PIXELS}),
        (NUMBER, 3.5),
        (NUMBER, np.float32(3.5)),
        (VECTOR, [1, 2, 3]),
        (VECTOR, np.zeros(3)),
        (TEXT, "a fine film"),
    ],
)
def test_nested_no_deeper_than_a_row_is_one(feature: Feature, one: Any) -> None:
    rows = split_rows(one, [feature])
    assert not rows.many
    assert len(rows.instances) == 1


@pytest.mark.parametrize(
    ("feature", "many", "count"),
    [
        (IMAGE, [PIXELS], 1),
        (IMAGE, np.zeros((5, 2, 2)), 5),
        (IMAGE, [np.zeros((2, 2)), np.zeros((2, 2))], 2),
        (IMAGE, ["a.png", "b.png"], 2),
        (IMAGE, (Path("a.png"), b"\x89PNG"), 2),
        (IMAGE, deque(["a.png"]), 1),
        (IMAGE, [{"image": PIXELS}], 1),
        (NUMBER, [1, 2, 3], 3),
        (NUMBER, np.zeros(4), 4),
        (VECTOR, [[1, 2, 3], [4, 5, 6]], 2),
        (TEXT, ["good", "bad"], 2),
        (IMAGE, [], 0),
        (VECTOR, np.zeros((0, 3)), 0),
    ],
)
def test_deeper_than_a_row_is_many(feature: Feature, many: Any, count: int) -> None:
    rows = split_rows(many, [feature])
    assert rows.many
    assert len(rows.instances) == count


def test_with_several_features_a_record_is_one_and_a_list_is_many() -> None:
    assert not split_rows({"x": 1, "photo": PIXELS}, RECORD).many
    assert split_rows([{"x": 1, "photo": PIXELS}], RECORD).many


def test_arrays_are_sent_as_nested_lists() -> None:
    assert sent(np.array(PIXELS, dtype=np.uint8), IMAGE) == [PIXELS]
    assert sent([np.array([1.5, 2, 3])], VECTOR) == [[1.5, 2, 3]]
    assert sent({"x": np.int64(4)}, VECTOR) == [{"x": 4}]


def test_what_only_has_dunder_array_is_sent_as_nested_lists() -> None:
    class Column:
        shape = (3,)

        def __array__(self) -> Any:
            return np.array([1, 2, 3])

    assert sent(Column(), VECTOR) == [[1, 2, 3]]


def test_image_bytes_and_files_are_sent_as_b64() -> None:
    assert sent([b"png", "a.png", Path("b.png")], IMAGE) == [b64(b"png"), b64(b"a.png"), b64(b"b.png")]


def test_a_string_is_a_file_only_where_the_feature_is_an_image() -> None:
    assert sent("seven.png", TEXT) == ["seven.png"]
    record = {"x": 1, "photo": "cat.jpg", "note": "cat.jpg"}
    assert sent(record, *RECORD) == [{"x": 1, "photo": b64(b"cat.jpg"), "note": "cat.jpg"}]


def test_a_pil_image_is_sent_as_png() -> None:
    [instance] = sent(Image.new("L", (2, 2)), IMAGE)
    assert base64.b64decode(instance["b64"]).startswith(b"\x89PNG")


def test_a_pil_image_that_png_cannot_hold_says_what_to_do() -> None:
    with pytest.raises(WrongDtype, match="convert the image to RGB"):
        sent(Image.new("CMYK", (2, 2)), IMAGE)


def test_nan_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(OutOfRange, match="NaN or infinity"):
        sent(np.array([1.0, np.nan, 2.0]), VECTOR)


def test_what_cannot_be_sent_is_named() -> None:
    with pytest.raises(WrongDtype, match="a generator cannot be sent"):
        sent((number for number in range(3)), VECTOR)
