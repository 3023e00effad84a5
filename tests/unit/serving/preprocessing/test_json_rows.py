"""The quick way through JSON: the same arrays as the strict one, and hands off everything that is not plain."""

from collections.abc import Sequence

import numpy as np
import orjson
import pytest
import simdjson
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.contract.features import CategoryFeature, Feature, ImageFeature, NumberFeature, TensorFeature
from serving.preprocessing.json_rows import rows_of_numbers
from serving.preprocessing.records import decode_instances

PAIRS = TensorFeature(name="x", shape=(2,))
COUNTS = TensorFeature(name="x", shape=(2,), dtype="int32")


def read(body: bytes, feature: Feature = PAIRS) -> object:
    rows = rows_of_numbers(simdjson.Parser(), body, feature)
    return None if rows is None else rows.tolist()


@pytest.mark.parametrize(
    ("feature", "rows"),
    [
        (PAIRS, [[1, 2.5], [-0.0, 1e-7]]),
        (COUNTS, [[1, -2], [3, 4]]),
        (NumberFeature(name="x"), [1, 2.5, 3]),
        (ImageFeature(name="x", shape=(2, 1)), [[[1], [2]], [[3], [4]]]),
        (TensorFeature(name="x", shape=(1, 1, 1)), [[[[7]]]]),
        (TensorFeature(name="x", shape=(), dtype="uint8"), [0, 255]),
    ],
)
def test_full_rows_are_read(feature: Feature, rows: Sequence[object]) -> None:
    assert read(orjson.dumps({"instances": rows}), feature) == rows


@pytest.mark.parametrize(
    "body",
    [
        b'{"instances": [[1, 2], [3]]}',
        b'{"instances": [[1, 2, 3], [4]]}',
        b'{"instances": [[1, [2]]]}',
        b'{"instances": [[[1, 2]]]}',
        b'{"instances": [1, 2]}',
        b'{"instances": [[1, true]]}',
        b'{"instances": [[1, null]]}',
        b'{"instances": [[1, "2"]]}',
        b'{"instances": [[1, {"a": 2}]]}',
        b'{"instances": [[1, NaN]]}',
        b'{"instances": [[1, 1e999]]}',
        b'{"instances": [[1, 2]], "instances": [[3, 4]]}',
        b'{"instances": [[1, 2]], "more": 1}',
        b'{"instances": []}',
        b'{"instances": 5}',
        b'{"instances": [[1, 2]]} and more',
        b'{"inputs": [[1, 2]]}',
        b"[[1, 2]]",
        b"",
        b"{",
    ],
)
def test_everything_else_is_left_alone(body: bytes) -> None:
    assert read(body) is None


def test_fractions_are_no_integers() -> None:
    assert read(b'{"instances": [[1, 2.0]]}', COUNTS) is None
    assert read(b'{"instances": [[1, 9223372036854775808]]}', COUNTS) is None


@pytest.mark.parametrize("feature", [CategoryFeature(name="x"), TensorFeature(name="x", shape=(None,))])
def test_strings_and_free_shapes_are_for_the_strict_way(feature: Feature) -> None:
    assert read(b'{"instances": [[1, 2]]}', feature) is None


@given(
    st.lists(
        st.lists(
            st.one_of(st.floats(-1e30, 1e30), st.integers(-(2**63), 2**63 - 1), st.none(), st.lists(st.just(1))),
            min_size=1,
            max_size=3,
        ),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=300, deadline=None)
def test_what_it_reads_is_what_the_strict_way_reads(rows: list[list[object]]) -> None:
    """And so, what the strict way refuses is never read."""
    found = rows_of_numbers(simdjson.Parser(), orjson.dumps({"instances": rows}), PAIRS)
    if found is not None:
        expected = decode_instances(rows, [PAIRS])["x"]
        np.testing.assert_array_equal(found.astype(np.float32), expected)
