"""A logged prediction, and its rows as they stand in a file: one line or one row of a table for each row predicted.

Pure. Inputs are what the model was given and outputs what it answered, both as decoded; what is redacted is not there.
"""

import base64
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import orjson

from serving.backend_protocol import Arrays
from serving.contract.tensors import Array


class Source(NamedTuple):
    """What answered; each has files of its own, for its rows have columns of their own."""

    model: str
    version: int
    signature: str


class LoggedPrediction(NamedTuple):
    """`answered_seconds` is a moment of the monotonic clock. All arrays have equally many rows, and are copies."""

    source: Source
    request_id: str
    answered_seconds: float
    inputs: Arrays
    outputs: Arrays

    @property
    def rows(self) -> int:
        return len(next(iter(self.outputs.values())))


def json_lines(prediction: LoggedPrediction, time: str) -> Iterator[bytes]:
    """Numbers that are none are `null`; bytes that are no text are {"b64": ...}."""
    source = prediction.source
    columns = {
        side: {name: _values(array) for name, array in arrays.items()}
        for side, arrays in (("inputs", prediction.inputs), ("outputs", prediction.outputs))
    }
    for row in range(prediction.rows):
        yield orjson.dumps(
            {
                "time": time,
                "request_id": prediction.request_id,
                "model": source.model,
                "version": source.version,
                "signature": source.signature,
                "row": row,
                **{side: {name: values[row] for name, values in found.items()} for side, found in columns.items()},
            },
            option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY,
        )


def _values(array: Array) -> Sequence[Any]:
    """One for each row; numbers stay in their arrays and become no Python objects."""
    if array.dtype == object:
        return [_shown(value) for value in array.tolist()]
    return np.ascontiguousarray(array)  # type: ignore[return-value]  # a sequence of rows


def _shown(value: Any) -> Any:
    if isinstance(value, list):
        return [_shown(each) for each in value]
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(value).decode()}
