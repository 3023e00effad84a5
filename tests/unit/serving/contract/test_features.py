"""Features that contradict themselves are refused when they are parsed, not when a request meets them."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from serving.contract.features import Feature, ImageFeature, TensorFeature, sent_by_callers

FEATURE: TypeAdapter[Feature] = TypeAdapter(Feature)


@pytest.mark.parametrize(
    ("contradiction", "complaint"),
    [
        ({"kind": "number", "range": [5, 1]}, "range goes down, from 5 to 1"),
        ({"kind": "number", "range": [0, 1], "default": 2}, "default 2 is outside the range"),
        ({"kind": "number", "dtype": "int64", "default": 1.5}, "default 1.5 is no int64"),
        ({"kind": "number", "dtype": "int64", "optional": True}, "int64 has no NaN"),
        ({"kind": "number", "optional": True, "default": 1}, "two answers to an absent value"),
        ({"kind": "number", "dtype": "string"}, "dtype string holds no numbers"),
        ({"kind": "number", "default": float("nan")}, "finite"),
        ({"kind": "image", "shape": [8, 8, 2]}, "one value a pixel or three, not 2"),
        ({"kind": "image", "shape": [8]}, "at least 2"),
        ({"kind": "image", "shape": [8, 8], "dtype": "bool"}, "dtype bool holds no numbers"),
        ({"kind": "image", "shape": [8, 8], "dtype": "uint8", "decoding": {"scale": 0.5}}, "which uint8 cannot hold"),
        ({"kind": "number", "rnage": [0, 1]}, "rnage"),
    ],
)
def test_a_contradiction_is_refused(contradiction: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        FEATURE.validate_python({"name": "x", **contradiction})


@pytest.mark.parametrize(("shape", "grey"), [((8, 8), True), ((8, 8, 1), True), ((8, 8, 3), False)])
def test_an_images_shape_says_whether_it_is_grey(shape: tuple[int, ...], *, grey: bool) -> None:
    assert ImageFeature(name="x", shape=shape).is_grey is grey


@pytest.mark.parametrize(
    "fields",
    [
        {"shape": (), "pad_value": 0.0},
        {"shape": (4,), "pad_value": 0.0},
        {"shape": (None, None), "pad_value": 0.0},
        {"shape": (None,), "pad_value": "x"},
        {"shape": (None,), "pad_value": 0.5, "dtype": "int64"},
        {"shape": (None,), "pad_value": 0, "dtype": "string"},
        {"shape": (None,), "pad_value": 0, "dtype": "bool"},
        {"shape": (None,), "lengths": (4,)},
        {"shape": (None,), "pad_value": 0.0, "lengths": (4, 2)},
        {"shape": (None,), "pad_value": 0.0, "lengths": (0,)},
        {"shape": (None, 2), "mask_of": "x"},
        {"shape": (None,), "mask_of": "x", "dtype": "string"},
        {"shape": (None,), "mask_of": "x", "pad_value": 0.0},
    ],
    ids=str,
)
def test_a_tensor_that_cannot_be_filled_up_as_it_says_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TensorFeature(name="t", **fields)


@pytest.mark.parametrize(
    ("dtype", "value"), [("int64", 0), ("float32", 0), ("float32", -1.5), ("string", ""), ("bool", False)]
)
def test_a_pad_value_is_kept_as_it_is_of_its_dtype(dtype: str, value: object) -> None:
    feature = TensorFeature.model_validate({"name": "t", "dtype": dtype, "shape": [None], "pad_value": value})
    kept = TensorFeature.model_validate_json(feature.model_dump_json()).pad_value
    assert (type(kept), kept) == (type(value), value)


def test_callers_send_no_masks() -> None:
    tokens, mask = (
        TensorFeature(name="t", shape=(None,), pad_value=0.0),
        TensorFeature(name="m", shape=(None,), mask_of="t"),
    )
    assert sent_by_callers((tokens, mask)) == (tokens,)
