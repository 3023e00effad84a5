"""Predictions as TensorFlow Serving's REST answers them, and the receipt every answer carries.

Pure. A non-finite number has no place in JSON: it is sent as null and counted.
"""

from base64 import b64encode
from contextlib import suppress

import numpy as np
import orjson

from serving.contract.tensors import Array
from serving.predict import Prediction


def encode_predictions(outputs: dict[str, Array]) -> bytes:
    """`{"predictions": [...]}`, one element a row; with one output its name is left out."""
    if len(outputs) == 1:
        ((name, array),) = outputs.items()
        rows: object = _jsonable(name, array)
    else:
        columns = {name: _jsonable(name, array) for name, array in outputs.items()}
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return orjson.dumps({"predictions": rows}, option=orjson.OPT_SERIALIZE_NUMPY)


def has_non_finite(outputs: dict[str, Array]) -> bool:
    return any(array.dtype.kind == "f" and not np.isfinite(array).all() for array in outputs.values())


def server_timing(prediction: Prediction, decode_seconds: float, encode_seconds: float) -> bytes:
    """The `Server-Timing` header (W3C): where the request's time went, in milliseconds, and its batch's rows."""
    receipt = prediction.receipt
    return (
        f"decode;dur={decode_seconds * 1e3:.3f}, queue;dur={receipt.queue_seconds * 1e3:.3f}, "
        f"backend;dur={receipt.backend_seconds * 1e3:.3f}, encode;dur={encode_seconds * 1e3:.3f}, "
        f'batch;desc="{receipt.batch_rows} rows"'
    ).encode()


def _jsonable(name: str, array: Array) -> Array | list[object]:
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
