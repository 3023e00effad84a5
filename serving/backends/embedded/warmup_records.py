"""TensorFlow Serving's warm-up file: a TFRecord of PredictionLog, read back as calls to make.

Pure: bytes in, calls out. Only Predict logs are replayed; the other kinds run the same graph.
"""

import struct
from collections.abc import Iterator
from typing import Any

from google.protobuf.message import DecodeError

from serving.backend_protocol import Arrays
from serving.backends.tensor_protos import array_of
from serving.backends.tensorflow_messages import message_module
from serving.contract.agreement import DEFAULT_SIGNATURE
from serving.errors import IntegrityError

_HEADER, _FOOTER = struct.Struct("<QI"), 4
"""A TFRecord: length (8 bytes), its checksum (4), the data, their checksum (4). The manifest's sha256 covers all."""


def read_warmup_calls(data: bytes) -> Iterator[tuple[str, Arrays]]:
    """The signature and inputs of each Predict record. Raises IntegrityError for a file cut short."""
    log = message_module("tensorflow_serving.apis.prediction_log_pb2").PredictionLog
    for record in _records(data):
        entry = _parsed(log, record)
        if entry.WhichOneof("log_type") == "predict_log":
            request = entry.predict_log.request
            yield (
                request.model_spec.signature_name or DEFAULT_SIGNATURE,
                {name: array_of(tensor) for name, tensor in request.inputs.items()},
            )


def _parsed(log: Any, record: bytes) -> Any:
    try:
        return log.FromString(record)
    except DecodeError as error:
        raise IntegrityError("a warm-up record is not a PredictionLog") from error


def _records(data: bytes) -> Iterator[bytes]:
    position = 0
    while position < len(data):
        start = position + _HEADER.size
        if start > len(data):
            raise IntegrityError("the warm-up records are cut short")
        length, _ = _HEADER.unpack_from(data, position)
        position = start + length + _FOOTER
        if position > len(data):
            raise IntegrityError("the warm-up records are cut short")
        yield data[start : start + length]
