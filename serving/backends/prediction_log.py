"""Predictions written down as TensorFlow Serving does it: a TFRecord file of PredictionLog messages, read and written.

Pure. One form for warm-up records, for requests recorded from a gateway, and for sending them again
(tensorflow_serving/apis/prediction_log.proto). Only Predict requests are written and read; other kinds are passed over.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from serving.backend_protocol import Arrays
from serving.backends.tensor_protos import DTYPE_NAMES, array_of
from serving.backends.tensorflow_messages import message_module
from serving.contract.agreement import DEFAULT_SIGNATURE
from serving.contract.tensors import NUMPY_DTYPES, Array
from serving.contract.tfrecord import read_tfrecords
from serving.errors import IntegrityError

_DTYPE_NUMBERS: Mapping[np.dtype[np.generic], int] = MappingProxyType(
    {NUMPY_DTYPES[name]: number for number, name in DTYPE_NAMES.items()}
)


@dataclass(frozen=True, slots=True)
class LoggedPrediction:
    """A Predict request: `inputs` by name, rows first. `version` is the one that answered it, where that was noted."""

    model: str
    signature: str
    inputs: Arrays
    version: int | None = None


def read_predictions(file: bytes) -> Iterator[LoggedPrediction]:
    """The Predict requests of a TFRecord file, in its order.

    Raises IntegrityError for a file that is cut short or damaged, BackendRejected for a tensor that is not read here.
    """
    for number, record in enumerate(read_tfrecords(file), 1):
        log = _parsed(record, number)
        if log.WhichOneof("log_type") != "predict_log":
            continue
        request, noted = log.predict_log.request, log.log_metadata.model_spec
        yield LoggedPrediction(
            request.model_spec.name,
            request.model_spec.signature_name or DEFAULT_SIGNATURE,
            {name: array_of(tensor) for name, tensor in request.inputs.items()},
            noted.version.value if noted.HasField("version") else None,
        )


def prediction_log(prediction: LoggedPrediction) -> bytes:
    """The PredictionLog message of `prediction`; `tfrecord` makes it a record of a file.

    The request itself names no version, so that it can be sent to any; `version` goes into the log's own notes.
    """
    log = _message()()
    request = log.predict_log.request
    request.model_spec.name, request.model_spec.signature_name = prediction.model, prediction.signature
    for name, array in prediction.inputs.items():
        _fill(request.inputs[name], array)
    if prediction.version is not None:
        noted = log.log_metadata.model_spec
        noted.name, noted.version.value = prediction.model, prediction.version
    data: bytes = log.SerializeToString()
    return data


def _fill(tensor: Any, array: Array) -> None:
    tensor.dtype = _DTYPE_NUMBERS[array.dtype]
    for size in array.shape:
        tensor.tensor_shape.dim.add().size = size
    if array.dtype == object:
        tensor.string_val.extend(array.ravel().tolist())
    else:
        tensor.tensor_content = array.tobytes()


def _parsed(record: bytes, number: int) -> Any:
    try:
        return _message().FromString(record)
    except DecodeError as error:
        raise IntegrityError(f"record {number} is not a PredictionLog") from error


@cache
def _message() -> Any:
    return message_module("tensorflow_serving.apis.prediction_log_pb2").PredictionLog
