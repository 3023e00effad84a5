"""Predictions as TensorFlow Serving's REST answers them, and the receipt every answer carries.

Pure. A non-finite number has no place in JSON: it is sent as null and counted.
"""

from base64 import b64encode
from contextlib import suppress

import numpy as np
import orjson

from serving.contract.tensors import Array
from serving.prediction import Prediction
from serving.preprocessing.npy import write_npy
from serving.rest.ask import Encode, Encoded


def predictions(prediction: Prediction) -> Encoded:
    """`{"predictions": [...]}`, one element a row; with one output its name is left out."""
    return Encoded(encode_predictions(prediction.outputs))


def columns(prediction: Prediction) -> Encoded:
    """`{"outputs": ...}`, an object of columns; with one output its column alone."""
    found: object = {name: jsonable(name, array) for name, array in prediction.outputs.items()}
    if len(prediction.outputs) == 1:
        ((name, array),) = prediction.outputs.items()
        found = jsonable(name, array)
    return Encoded(orjson.dumps({"outputs": found}, option=orjson.OPT_SERIALIZE_NUMPY))


def npy_or_predictions(otherwise: Encode) -> Encode:
    """The one output of numbers as a .npy file; `otherwise` where there are several, or strings."""

    def encode(prediction: Prediction) -> Encoded:
        arrays = list(prediction.outputs.values())
        if len(arrays) != 1 or arrays[0].dtype == object:
            return otherwise(prediction)
        return Encoded(write_npy(arrays[0]), b"application/x-npy")

    return encode


def encode_predictions(outputs: dict[str, Array]) -> bytes:
    """The rows under `predictions`."""
    if len(outputs) == 1:
        ((name, array),) = outputs.items()
        rows: object = jsonable(name, array)
    else:
        rows = records(outputs)
    return orjson.dumps({"predictions": rows}, option=orjson.OPT_SERIALIZE_NUMPY)


def records(outputs: dict[str, Array]) -> list[dict[str, object]]:
    """One object a row, with the outputs' names."""
    columns = {name: jsonable(name, array) for name, array in outputs.items()}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def server_timing(prediction: Prediction, decode_seconds: float, encode_seconds: float) -> bytes:
    """The `Server-Timing` header (W3C): where the request's time went, in milliseconds, and its batch's rows."""
    receipt = prediction.receipt
    timing = (
        f"decode;dur={decode_seconds * 1e3:.3f}, queue;dur={receipt.queue_seconds * 1e3:.3f}, "
        f"backend;dur={receipt.backend_seconds * 1e3:.3f}, encode;dur={encode_seconds * 1e3:.3f}, "
        f'batch;desc="{receipt.batch_rows} rows"'
    )
    return (f'{timing}, cache;desc="{receipt.cache}"' if receipt.cache else timing).encode()


def jsonable(name: str, array: Array) -> Array | list[object]:
    """What orjson writes natively stays an array, made contiguous; strings become text, or `b64` when not UTF-8.

    Outputs named `*_bytes` are always `b64`, as in TensorFlow Serving.
    """
    if array.dtype == object:
        as_text = not name.endswith("_bytes")
        return [_string(value, as_text=as_text) for value in array.tolist()]
    if array.dtype == np.float16:
        array = array.astype(np.float32)
    return np.ascontiguousarray(array)


def _string(value: object, *, as_text: bool) -> object:
    if isinstance(value, list):
        return [_string(part, as_text=as_text) for part in value]
    if not isinstance(value, bytes):
        return value
    if as_text:
        with suppress(UnicodeDecodeError):
            return value.decode()
    return {"b64": b64encode(value).decode()}
