"""The bodies that `:predict` takes: TensorFlow Serving's JSON, or an image as it is.

Pure: bytes in; out comes the signature asked for and how to decode the rest once the version's features are known.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from serving.contract.agreement import DEFAULT_SIGNATURE
from serving.contract.features import Feature, ImageFeature
from serving.contract.tensors import Array
from serving.errors import InvalidInput, UnsupportedMediaType, WrongDtype
from serving.predict import Decode
from serving.preprocessing.columns import decode_column
from serving.preprocessing.records import decode_instances, pointer_token

JSON_TYPES = frozenset({"", "application/json", "application/x-www-form-urlencoded", "text/plain"})
"""TensorFlow Serving looks at no Content-Type; the second is what `curl -d` says when told nothing."""

IMAGE_TYPES = frozenset({"image/png", "image/jpeg", "image/*", "application/octet-stream"})
_KEYS = frozenset({"signature_name", "instances"})


@dataclass(frozen=True, slots=True)
class PredictBody:
    signature: str
    decode: Decode
    has_image_bytes: bool
    """A few bytes can be millions of pixels, so images are never decoded on the event loop."""


def read_predict_body(media_type: str, body: bytes) -> PredictBody:
    """Raises UnsupportedMediaType, and InvalidInput for a body that is not what its type says."""
    if media_type in JSON_TYPES:
        return _json_body(body)
    if media_type in IMAGE_TYPES:
        return PredictBody(DEFAULT_SIGNATURE, functools.partial(_image_row, body), has_image_bytes=True)
    raise UnsupportedMediaType(
        f"Content-Type {media_type[:64]!r} is not read here; send application/json, image/png or image/jpeg"
    )


def _json_body(body: bytes) -> PredictBody:
    if not body:
        raise InvalidInput('the body is empty; send {"instances": [...]}')
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"the body is not JSON (NaN and Infinity are not): {error}") from error
    if not isinstance(document, dict):
        raise WrongDtype('the body must be an object: {"instances": [...]}')
    if unknown := document.keys() - _KEYS:
        name = min(unknown)[:64]
        raise InvalidInput(
            f"unknown key {name!r}; the body has `instances` and, if wanted, `signature_name`",
            pointer=f"/{pointer_token(name)}",
        )
    signature = document.get("signature_name", DEFAULT_SIGNATURE)
    if not isinstance(signature, str):
        raise WrongDtype("`signature_name` is not a string", pointer="/signature_name")
    if "instances" not in document:
        raise InvalidInput('the body has no `instances`; send {"instances": [...]}')
    decode = functools.partial(decode_instances, document["instances"])
    return PredictBody(signature or DEFAULT_SIGNATURE, decode, has_image_bytes=b'"b64"' in body)


def _image_row(body: bytes, features: Sequence[Feature]) -> dict[str, Array]:
    if len(features) != 1 or not isinstance(features[0], ImageFeature):
        names = ", ".join(f"`{feature.name}`" for feature in features)
        raise UnsupportedMediaType(f"the model takes {names} and not one image; send application/json")
    return {features[0].name: decode_column(features[0], [body], lambda _: "")}
