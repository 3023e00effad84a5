"""The forms in which `:predict` takes natural inputs, told apart by their Content-Type.

Pure: head and body in; out comes what is asked. Forms of many rows are streamed (`row_stream.py`).
"""

import functools
from collections.abc import Sequence

import orjson
import simdjson

from serving.contract.agreement import DEFAULT_SIGNATURE
from serving.contract.features import Feature, ImageFeature, TextFeature
from serving.contract.tensors import Array
from serving.errors import UnsupportedMediaType
from serving.prediction import Decode
from serving.preprocessing.columns import decode_column
from serving.preprocessing.json_text import read_json
from serving.preprocessing.npy import MAGIC, decode_npy
from serving.rest.accept import preferred
from serving.rest.ask import INLINE_BYTES, Ask
from serving.rest.form import decode_parts, read_parts, text_of
from serving.rest.predict_answer import npy_or_predictions, predictions
from serving.rest.predict_body import decode_plain, is_plain, read_predict_json
from serving.rest.request_head import RequestHead

JSON_TYPES = frozenset({"", "application/json", "application/x-www-form-urlencoded"})
"""TensorFlow Serving looks at no Content-Type; the last is what `curl -d` says when told nothing."""

IMAGE_TYPES = frozenset({"image/png", "image/jpeg", "image/webp", "image/*"})
NPY_TYPES = frozenset({"application/x-npy", "application/npy"})
ACCEPTED = (
    "application/json, image/png, image/jpeg, image/webp, multipart/form-data, text/plain, application/x-npy, "
    "and for many rows application/x-ndjson or text/csv"
)
_NPY = "application/x-npy"


def read_predict_body(head: RequestHead, body: bytes, *, parser: simdjson.Parser | None = None) -> Ask:
    """Raises UnsupportedMediaType, and InvalidInput for a body that is not what its type says. Without a
    parser, JSON is read the strict way at once.
    """
    media_type = head.media_type
    if media_type not in JSON_TYPES:
        ask = _natural(head, media_type, body)
    elif parser is not None and is_plain(body):
        ask = _ask(functools.partial(decode_plain, parser if len(body) <= INLINE_BYTES else simdjson.Parser(), body))
    else:
        ask = read_predict_json(body)
    accept = head.headers.get(b"accept")
    if accept is not None and b"npy" in accept and preferred(accept, ("application/json", _NPY)) == _NPY:
        return ask._replace(encode=npy_or_predictions(ask.encode))
    return ask


def _natural(head: RequestHead, media_type: str, body: bytes) -> Ask:
    is_npy = media_type in NPY_TYPES or (media_type == "application/octet-stream" and body.startswith(MAGIC))
    if is_npy:
        return _ask(functools.partial(decode_npy, body))
    if media_type in IMAGE_TYPES or media_type == "application/octet-stream":
        return _ask(functools.partial(_image_row, body), has_image_bytes=True)
    if media_type == "text/plain":
        return _text(body)
    if media_type == "multipart/form-data":
        parts = read_parts(head.headers[b"content-type"], body)
        return _ask(functools.partial(decode_parts, parts), has_image_bytes=True)
    raise UnsupportedMediaType(f"Content-Type {media_type[:64]!r} is not read here; send {ACCEPTED}")


def _ask(decode: Decode, *, has_image_bytes: bool = False) -> Ask:
    return Ask(DEFAULT_SIGNATURE, decode, predictions, has_image_bytes)


def _text(body: bytes) -> Ask:
    """Browsers' `fetch` calls a JSON string text/plain too: an object with `instances` or `inputs` is that."""
    if body.lstrip(b" \t\r\n").startswith(b"{"):
        try:
            document = read_json(body)
        except orjson.JSONDecodeError:
            document = None
        if isinstance(document, dict) and document.keys() & {"instances", "inputs"}:
            return read_predict_json(body)
    return _ask(functools.partial(_text_row, body))


def _text_row(body: bytes, features: Sequence[Feature]) -> dict[str, Array]:
    if len(features) != 1 or not (isinstance(features[0], TextFeature) or features[0].dtype == "string"):
        raise UnsupportedMediaType(f"the model takes {_names(features)} and not one text; send application/json")
    return {features[0].name: decode_column(features[0], [text_of(body, "")], lambda _: "")}


def _image_row(body: bytes, features: Sequence[Feature]) -> dict[str, Array]:
    if len(features) != 1 or not isinstance(features[0], ImageFeature):
        raise UnsupportedMediaType(f"the model takes {_names(features)} and not one image; send application/json")
    return {features[0].name: decode_column(features[0], [body], lambda _: "")}


def _names(features: Sequence[Feature]) -> str:
    return ", ".join(f"`{feature.name}`" for feature in features)
