"""JSON as callers write it: NaN and infinity are read too, as TensorFlow Serving reads them, for models that take them.

Pure. Whether they may stand where they stand is said by the feature, with a pointer, when the value is decoded.
"""

import json
from typing import Any

import orjson

from serving.preprocessing.json_slices import read_sliced

LARGE_BYTES = 512 * 1024
"""From here on, a document would hold everybody up while it is parsed at once."""
_NO_JSON = (b"NaN", b"Infinity")


def read_json(text: bytes | memoryview) -> Any:
    """The value. Raises orjson.JSONDecodeError for what is no JSON even with those numbers, and PayloadTooLarge for
    more lists and objects than any array needs.

    What orjson reads costs nothing more; the standard library reads the rest, at about a third of the speed.
    """
    if len(text) > LARGE_BYTES:
        return read_sliced(bytes(text), _read_at_once)
    return _read_at_once(text)


def _read_at_once(text: bytes | memoryview) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        whole = bytes(text)
        if not any(token in whole for token in _NO_JSON):
            raise
        try:
            value = json.loads(whole.decode())
            orjson.dumps(value)  # the standard library reads half surrogates too, which nothing can write again
        except (ValueError, TypeError, RecursionError):
            value = None
        if value is None:
            raise  # the first error says more
        return value
