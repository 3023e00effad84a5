from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.backends.prediction_log import LoggedPrediction, prediction_log, read_predictions
from serving.backends.tensorflow_messages import message_module
from serving.contract.tensors import NUMPY_DTYPES, Array
from serving.contract.tfrecord import tfrecord
from serving.errors import BackendRejected, IntegrityError
from tests.unit.serving.backends.protos import tensor


def log(**kinds: Any) -> Any:
    return message_module("tensorflow_serving.apis.prediction_log_pb2").PredictionLog(**kinds)


def predict_log(value: float, signature: str = "") -> bytes:
    entry = log()
    request = entry.predict_log.request
    request.model_spec.signature_name = signature
    request.inputs["x"].CopyFrom(tensor("float32", [1, 2], float_val=[value]))
    data: bytes = entry.SerializeToString()
    return data


def column(dtype: str, values: list[Any]) -> Array:
    array = np.empty(len(values), NUMPY_DTYPES[dtype])
    array[:] = values
    return array


COLUMNS = st.one_of(
    st.lists(st.floats(width=32, allow_nan=False), min_size=1).map(lambda values: column("float32", values)),
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1).map(lambda values: column("int64", values)),
    st.lists(st.binary(max_size=9), min_size=1).map(lambda values: column("string", values)),
    st.lists(st.booleans(), min_size=1).map(lambda values: column("bool", values)),
)


def test_predict_records_come_back_as_calls() -> None:
    file = tfrecord(predict_log(1.5, "classify")) + tfrecord(predict_log(2.5))
    calls = [(each.signature, each.inputs["x"].tolist()) for each in read_predictions(file)]
    assert calls == [("classify", [[1.5, 1.5]]), ("serving_default", [[2.5, 2.5]])]


@given(st.dictionaries(st.text("xyz", min_size=1), COLUMNS, max_size=3), st.none() | st.integers(1, 2**62))
@settings(max_examples=50)
def test_what_is_written_is_read_back(inputs: dict[str, Array], version: int | None) -> None:
    written = LoggedPrediction("digits", "serving_default", inputs, version)
    (read,) = read_predictions(tfrecord(prediction_log(written)))
    assert (read.model, read.signature, read.version) == ("digits", "serving_default", version)
    assert read.inputs.keys() == inputs.keys()
    for name, array in inputs.items():
        assert read.inputs[name].dtype == array.dtype
        np.testing.assert_array_equal(read.inputs[name], array)


def test_a_written_request_can_be_sent_to_any_version() -> None:
    data = prediction_log(LoggedPrediction("digits", "serving_default", {}, version=4))
    entry = log().FromString(data)
    assert not entry.predict_log.request.model_spec.HasField("version")
    assert entry.log_metadata.model_spec.version.value == 4


def test_other_kinds_of_records_are_passed_over() -> None:
    other = log()
    other.regress_log.request.model_spec.name = "digits"
    file = tfrecord(other.SerializeToString()) + tfrecord(predict_log(1.0))
    assert len(list(read_predictions(file))) == 1


def test_an_empty_file_has_no_predictions() -> None:
    assert list(read_predictions(b"")) == []


def test_a_file_cut_short_anywhere_is_refused() -> None:
    whole = tfrecord(predict_log(1.0))
    for length in range(1, len(whole)):
        with pytest.raises(IntegrityError, match="cut short"):
            list(read_predictions(whole[:length]))


def test_what_is_no_prediction_log_is_refused() -> None:
    with pytest.raises(IntegrityError, match="record 1 is not a PredictionLog"):
        list(read_predictions(tfrecord(b"\xff\xff\xff")))


def test_a_tensor_that_does_not_fill_its_shape_is_refused() -> None:
    entry = log()
    entry.predict_log.request.inputs["x"].CopyFrom(tensor("float32", [3], float_val=[]))
    with pytest.raises(BackendRejected, match="do not fill"):
        list(read_predictions(tfrecord(entry.SerializeToString())))
