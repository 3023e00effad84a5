"""What a request presents as its credential: `Authorization: Bearer <token>` (RFC 6750) or `X-API-Key`.

A key may be the bearer too, for scrapers that send no header of their own: no JWT begins as a key does.

Pure. No message here repeats what was presented: it may be a secret that was put into the wrong header.
"""

from collections.abc import Iterable, Mapping

from serving.access.api_key import PREFIX
from serving.access.caller import Presented
from serving.errors import Unauthenticated

NOTHING = Presented()
MOST_BYTES = 8192
"""The longest credential that is looked at: tokens with many claims have some 2,000 bytes."""
_KEYS = frozenset({"authorization", "x-api-key"})
_SCHEME = b"bearer"


def presented_in(headers: Mapping[bytes, bytes]) -> Presented:
    """Of a REST request's headers, names in lower case. Raises Unauthenticated for what cannot be a credential."""
    authorization, api_key = headers.get(b"authorization"), headers.get(b"x-api-key")
    if authorization is None and api_key is None:
        return NOTHING
    return _presented(authorization, api_key)


def presented_by(metadata: Iterable[tuple[str, str | bytes]] | None) -> Presented:
    """Of a gRPC call's metadata, which have the same names. Raises Unauthenticated as `presented_in`."""
    found = {key: value for key, value in metadata or () if key in _KEYS}
    if not found:
        return NOTHING
    return _presented(_bytes(found.get("authorization")), _bytes(found.get("x-api-key")))


def _presented(authorization: bytes | None, api_key: bytes | None) -> Presented:
    if authorization is not None and api_key is not None:
        raise Unauthenticated("both X-API-Key and Authorization came; send one of the two")
    if authorization is None:
        return Presented(api_key=_checked(api_key or b"", "X-API-Key is empty or no key; send the key alone"))
    scheme, _, token = authorization.strip(b" \t").partition(b" ")
    if scheme.lower() != _SCHEME:
        raise Unauthenticated("Authorization is not `Bearer <token>`, the one form read here; a key goes in X-API-Key")
    word = _checked(token, "Authorization has no token; send `Bearer <token>`")
    return Presented(api_key=word) if word.startswith(PREFIX.encode()) else Presented(token=word)


def _checked(secret: bytes, complaint: str) -> bytes:
    """One word of printable ASCII, as both kinds are."""
    word = secret.strip(b" \t")
    if not word or len(word) > MOST_BYTES or not all(0x21 <= byte <= 0x7E for byte in word):
        raise Unauthenticated(complaint)
    return word


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode("latin-1", "replace") if isinstance(value, str) else value
