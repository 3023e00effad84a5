"""Any JSON at all as the body of `infer` and `:classify`: it is read or refused, and nothing else."""

from collections.abc import Sequence

import orjson
from hypothesis import given
from hypothesis import strategies as st

from serving.contract.features import CategoryFeature, Feature, ImageFeature, NumberFeature
from serving.errors import InvalidInput
from serving.rest.examples import read_classify
from serving.rest.oip_body import read_infer
from serving.rest.predict_body import read_predict_json
from serving.rest.request_head import RequestHead

FEATURES: Sequence[Feature] = (
    NumberFeature(name="a"),
    CategoryFeature(name="b", default="red"),
    ImageFeature(name="c", shape=(1, 2)),
)
LEAVES = st.none() | st.booleans() | st.integers(-3, 300) | st.floats() | st.sampled_from(["a", "FP32", "BYTES", ""])
NAMES = st.sampled_from(["a", "b", "c", "b64", "name", "shape", "datatype", "data", "parameters", "binary_data_size"])
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
)
TENSORS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["a", "b", "c"]),
        "shape": st.lists(st.integers(0, 2), min_size=1, max_size=3) | VALUES,
        "datatype": st.sampled_from(["FP32", "BYTES", "INT64", "BOOL"]),
    },
    optional={"data": VALUES, "parameters": st.fixed_dictionaries({"binary_data_size": st.integers(-1, 9)}) | VALUES},
)


@given(
    inputs=st.lists(TENSORS, max_size=3) | VALUES,
    rest=st.dictionaries(st.sampled_from(["id", "parameters", "outputs"]), VALUES, max_size=2),
    raw=st.binary(max_size=12),
)
def test_any_infer_is_read_or_refused(inputs: object, rest: dict[str, object], raw: bytes) -> None:
    text = orjson.dumps({"inputs": inputs, **rest})
    head = RequestHead({b"inference-header-content-length": str(len(text)).encode()})
    try:
        arrays = read_infer(head, text + raw).decode(FEATURES)
    except InvalidInput as error:
        assert str(error)  # noqa: PT017 - being refused is as right as being read
    else:
        assert arrays.keys() == {"a", "b", "c"}


@given(VALUES, VALUES)
def test_any_examples_are_read_or_refused(examples: object, context: object) -> None:
    try:
        arrays = read_classify(RequestHead({}), orjson.dumps({"examples": examples, "context": context})).decode(
            FEATURES
        )
    except InvalidInput as error:
        assert str(error)  # noqa: PT017 - being refused is as right as being read
    else:
        assert arrays.keys() == {"inputs"}


@given(VALUES)
def test_any_columns_are_read_or_refused(inputs: object) -> None:
    try:
        arrays = read_predict_json(orjson.dumps({"inputs": inputs})).decode(FEATURES)
    except InvalidInput as error:
        assert str(error)  # noqa: PT017 - being refused is as right as being read
    else:
        assert arrays.keys() == {"a", "b", "c"}
