"""What a body asks for, whatever its form: the one thing that every route hands to the endpoint.

Pure: bytes are read elsewhere, and what is decided here is only who answers them and how.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from serving.batching.events import Lane
from serving.prediction import Decode, Prediction
from serving.rest.request_head import RequestHead

INLINE_BYTES = 512 * 1024
"""Bodies up to this are parsed and decoded at once: about a millisecond, less than a thread is worth."""


class Encoded(NamedTuple):
    """An answer's body and what must be said of it."""

    body: bytes
    content_type: bytes = b"application/json"
    headers: tuple[tuple[bytes, bytes], ...] = ()


Encode: TypeAlias = Callable[[Prediction], Encoded]


class Ask(NamedTuple):
    """The signature, how to decode the rest once the version's features are known, and how to write the answer.

    `has_image_bytes`: a few bytes can be millions of pixels, so images are never decoded on the event loop.
    `timeout_seconds` and `lane` are the caller's own, where the body may name them.
    """

    signature: str
    decode: Decode
    encode: Encode
    has_image_bytes: bool = False
    features_of: str | None = None
    timeout_seconds: float | None = None
    lane: Lane | None = None


ReadAsk: TypeAlias = Callable[[RequestHead, bytes], Ask]
"""Head and body to what is asked; raises InvalidInput's family."""
