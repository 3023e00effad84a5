"""Whatever JSON comes: arrays as promised, or InvalidInput, and nothing else."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.contract.features import (
    CategoryFeature,
    Feature,
    ImageFeature,
    NumberFeature,
    TensorFeature,
    TextFeature,
)
from serving.contract.tensors import NUMPY_DTYPES, shape_matches
from serving.errors import InvalidInput
from serving.preprocessing.records import decode_instances

FEATURE_SETS: dict[str, tuple[Feature, ...]] = {
    "number": (NumberFeature(name="x", range=(-10, 10)),),
    "record": (NumberFeature(name="x", dtype="int32", default=1), CategoryFeature(name="y"), TextFeature(name="b64")),
    "bytes": (TensorFeature(name="x", dtype="uint8", shape=(2,)),),
    "longs": (TensorFeature(name="x", dtype="int64", shape=(None,)),),
    "halves": (TensorFeature(name="x", dtype="float16", shape=(None, 2)),),
    "flags": (TensorFeature(name="x", dtype="bool", shape=(1,)),),
    "words": (TensorFeature(name="x", dtype="string", shape=(None,)),),
    "text": (TextFeature(name="x"),),
    "image": (ImageFeature(name="x", shape=(2, 2)),),
}
KEYS = st.sampled_from(["x", "y", "b64"])
LEAVES = st.none() | st.booleans() | st.integers() | st.integers(0, 2) | st.floats() | st.text(max_size=4)
JSON = st.recursive(
    LEAVES, lambda part: st.lists(part, max_size=3) | st.dictionaries(KEYS, part, max_size=3), max_leaves=8
)


@settings(max_examples=450, deadline=None)
@given(instances=st.lists(JSON, max_size=3) | JSON)
def test_any_json_is_refused_properly_or_becomes_the_promised_arrays(instances: Any) -> None:
    """Drawing one costs far more than decoding it, so each is tried with every set of features."""
    for features in FEATURE_SETS.values():
        becomes_the_promised_arrays_or_is_refused(instances, features)


def becomes_the_promised_arrays_or_is_refused(instances: Any, features: tuple[Feature, ...]) -> None:
    try:
        arrays = decode_instances(instances, features)
    except InvalidInput:
        return
    for feature in features:
        array = arrays[feature.name]
        assert array.dtype == NUMPY_DTYPES[feature.dtype]
        assert len(array) == len(instances)
        assert shape_matches(array.shape[1:], feature.row_shape)


@settings(deadline=None)
@given(
    rows=st.integers(0, 3).flatmap(
        lambda width: st.lists(
            st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=width, max_size=width),
            min_size=1,
            max_size=4,
        )
    )
)
def test_nested_lists_become_exactly_what_numpy_makes_of_them(rows: list[list[float]]) -> None:
    array = decode_instances(rows, (TensorFeature(name="x", shape=(None,)),))["x"]
    np.testing.assert_array_equal(array.view(np.uint32), np.array(rows, np.float32).view(np.uint32), strict=True)


def test_nesting_deeper_than_any_stack_is_refused() -> None:
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(InvalidInput):
        decode_instances(value, (TensorFeature(name="x", shape=(2, 2)),))
