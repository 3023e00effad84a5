"""The forms in which `:predict` takes natural inputs, told apart by their Content-Type.

Pure: head and body in; out comes what is asked.
"""

import functools
from collections.abc import Sequence

from serving.contract.agreement import DEFAULT_SIGNATURE
from serving.contract.features import Feature, ImageFeature
from serving.contract.tensors import Array
from serving.errors import UnsupportedMediaType
from serving.preprocessing.columns import decode_column
from serving.rest.ask import Ask
from serving.rest.predict_answer import predictions
from serving.rest.predict_body import read_predict_json
from serving.rest.request_head import RequestHead

JSON_TYPES = frozenset({"", "application/json", "application/x-www-form-urlencoded", "text/plain"})
"""TensorFlow Serving looks at no Content-Type; the second is what `curl -d` says when told nothing."""

IMAGE_TYPES = frozenset({"image/png", "image/jpeg", "image/*", "application/octet-stream"})


def read_predict_body(head: RequestHead, body: bytes) -> Ask:
    """Raises UnsupportedMediaType, and InvalidInput for a body that is not what its type says."""
    media_type = head.media_type
    if media_type in JSON_TYPES:
        return read_predict_json(body)
    if media_type in IMAGE_TYPES:
        return Ask(DEFAULT_SIGNATURE, functools.partial(_image_row, body), predictions, has_image_bytes=True)
    raise UnsupportedMediaType(
        f"Content-Type {media_type[:64]!r} is not read here; send application/json, image/png or image/jpeg"
    )


def _image_row(body: bytes, features: Sequence[Feature]) -> dict[str, Array]:
    if len(features) != 1 or not isinstance(features[0], ImageFeature):
        names = ", ".join(f"`{feature.name}`" for feature in features)
        raise UnsupportedMediaType(f"the model takes {names} and not one image; send application/json")
    return {features[0].name: decode_column(features[0], [body], lambda _: "")}
