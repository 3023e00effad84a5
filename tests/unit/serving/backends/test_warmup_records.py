import struct
from typing import Any

import numpy as np
import pytest

from serving.backends.embedded.warmup_records import read_warmup_calls
from serving.backends.tensorflow_messages import message_module
from serving.errors import IntegrityError
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


def tf_record(data: bytes) -> bytes:
    """Length, its checksum, data, their checksum; the checksums are not read."""
    return struct.pack("<QI", len(data), 0) + data + struct.pack("<I", 0)


def test_predict_records_come_back_as_calls() -> None:
    records = tf_record(predict_log(1.5, "classify")) + tf_record(predict_log(2.5))
    calls = [(signature, inputs["x"].tolist()) for signature, inputs in read_warmup_calls(records)]
    assert calls == [("classify", [[1.5, 1.5]]), ("serving_default", [[2.5, 2.5]])]


def test_inputs_keep_their_dtype() -> None:
    ((_, inputs),) = read_warmup_calls(tf_record(predict_log(1.0)))
    assert inputs["x"].dtype == np.float32


def test_other_kinds_of_records_are_passed_over() -> None:
    other = log()
    other.regress_log.request.model_spec.name = "digits"
    records = tf_record(other.SerializeToString()) + tf_record(predict_log(1.0))
    assert len(list(read_warmup_calls(records))) == 1


def test_an_empty_file_has_no_calls() -> None:
    assert list(read_warmup_calls(b"")) == []


def test_a_file_cut_short_anywhere_is_refused() -> None:
    whole = tf_record(predict_log(1.0))
    for length in range(1, len(whole)):
        with pytest.raises(IntegrityError, match="cut short"):
            list(read_warmup_calls(whole[:length]))


def test_a_length_beyond_the_file_is_refused() -> None:
    with pytest.raises(IntegrityError, match="cut short"):
        list(read_warmup_calls(struct.pack("<QI", 2**63, 0) + b"data"))


def test_what_is_no_prediction_log_is_refused() -> None:
    with pytest.raises(IntegrityError, match="PredictionLog"):
        list(read_warmup_calls(tf_record(b"\xff\xff\xff")))
