"""The JSON that `:predict` takes: TensorFlow Serving's rows (`instances`) or columns (`inputs`).

Pure: bytes in; out comes the signature asked for and how to decode the rest once the version's features are known.
"""

import functools
from collections.abc import Collection, Sequence
from typing import Any

import orjson
import simdjson

from serving.contract.agreement import DEFAULT_SIGNATURE
from serving.contract.features import Feature
from serving.contract.tensors import Array
from serving.errors import InvalidInput, WrongDtype
from serving.preprocessing.arrays import pointer_token
from serving.preprocessing.columns import decode_full_rows
from serving.preprocessing.json_rows import BEGINNING, rows_of_numbers
from serving.preprocessing.json_text import read_json
from serving.preprocessing.records import decode_inputs, decode_instances
from serving.rest.ask import Ask
from serving.rest.predict_answer import columns, predictions

_KEYS = frozenset({"signature_name", "instances", "inputs"})
_SHORTEST = b'{"instances":['
_EXAMPLE = '{"instances": [...]} or {"inputs": ...}'


def read_predict_json(body: bytes) -> Ask:
    """Raises InvalidInput for what is no JSON object with `instances` or `inputs`."""
    document = read_object(body, _KEYS, _EXAMPLE)
    signature = signature_of(document) or DEFAULT_SIGNATURE
    has_image_bytes = may_have_base64(body)
    if "instances" in document:
        if "inputs" in document:
            raise InvalidInput("the body has `instances` and `inputs`; send one of them", pointer="/inputs")
        decode = functools.partial(decode_instances, document["instances"])
        return Ask(signature, decode, predictions, has_image_bytes)
    if "inputs" in document:
        return Ask(signature, functools.partial(decode_inputs, document["inputs"]), columns, has_image_bytes)
    raise InvalidInput(f"the body has no `instances`; send {_EXAMPLE}")


def may_have_base64(body: bytes) -> bool:
    """Whether some object's key may be `b64`, which can be written with escapes, too. One byte is looked for first:
    that takes a tenth of the time for two or more.
    """
    is_nested = body.find(b"{", body.find(b"{") + 1) > 0
    return is_nested and (b'"b64"' in body or (b"\\" in body and b"\\u" in body))


def is_plain(body: bytes) -> bool:
    """Whether the body begins with its `instances` and has no string after that: neither another member, nor names of
    features, nor anything in base64.
    """
    if body.startswith(_SHORTEST):
        return body.find(b'"', len(_SHORTEST)) < 0
    beginning = BEGINNING.match(body)
    return beginning is not None and body.find(b'"', beginning.end()) < 0


def decode_plain(parser: simdjson.Parser, body: bytes, features: Sequence[Feature]) -> dict[str, Array]:
    """Numbers the quick way; what is wrong, or richer, the strict one. Raises InvalidInput's family."""
    if len(features) == 1:
        feature = features[0]
        rows = rows_of_numbers(parser, body, feature)
        if rows is not None:
            return {feature.name: decode_full_rows(feature, rows, _locate)}
    return read_predict_json(body).decode(features)


def _locate(row: int) -> str:
    return f"/instances/{row}"


def read_object(body: bytes, keys: Collection[str], example: str) -> dict[str, Any]:
    """A body that must be an object with no other keys than `keys`; `example` shows one in messages."""
    if not body:
        raise InvalidInput(f"the body is empty; send {example}")
    try:
        document = read_json(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"the body is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise WrongDtype(f"the body must be an object: {example}")
    unknown = min((key for key in document if key not in keys), default=None)
    if unknown is not None:
        name = unknown[:64]
        known = ", ".join(f"`{key}`" for key in sorted(keys))
        raise InvalidInput(f"unknown key {name!r}; the keys are {known}", pointer=f"/{pointer_token(name)}")
    return document


def signature_of(document: dict[str, Any]) -> str:
    """The signature a body names, empty for none."""
    signature = document.get("signature_name", "")
    if not isinstance(signature, str):
        raise WrongDtype("`signature_name` is not a string", pointer="/signature_name")
    return signature
