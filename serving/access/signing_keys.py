"""An issuer's public keys, as its JWK Set (RFC 7517) says them. Pure.

Each key is known by the algorithms it may verify, so that a token cannot choose another one: all are asymmetric. With
`none`, or an HMAC keyed by what is public, anybody could sign.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import jwt
import orjson

from serving.errors import IntegrityError

ALGORITHMS: Mapping[tuple[str, str | None], tuple[str, ...]] = MappingProxyType(
    {
        ("RSA", None): ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
        ("EC", "P-256"): ("ES256",),
        ("EC", "P-384"): ("ES384",),
        ("EC", "P-521"): ("ES512",),
        ("OKP", "Ed25519"): ("EdDSA",),
    }
)
"""What a key may verify, by its type and curve."""
PUBLIC = ("kty", "crv", "n", "e", "x", "y")
"""Private parts are not even looked at."""
MAX_KEYS = 100
MIN_RSA_BITS, MAX_RSA_BITS = 2048, 8192
"""Fewer can be broken (RFC 7518, 3.3); more take too long."""

SigningKeys = Mapping[tuple[str | None, str], jwt.PyJWK]
"""By key id and algorithm. Under None: the only key of an algorithm, for tokens that name none."""


def read_signing_keys(document: bytes) -> SigningKeys:
    """The keys of a JWK Set that sign and that we can use; others are passed over, as the RFC asks (section 5).

    Raises IntegrityError where it is no JWK Set or has no such key.
    """
    try:
        found = orjson.loads(document)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("keys"), list):
        raise IntegrityError("the issuer's keys are no JWK Set (a JSON object with `keys`)")
    keys: dict[tuple[str | None, str], jwt.PyJWK] = {}
    for described in found["keys"][:MAX_KEYS]:
        for algorithm, key in _usable(described):
            keys.setdefault((described.get("kid"), algorithm), key)
    if not keys:
        raise IntegrityError("the issuer's JWK Set has no key to verify signatures by (RSA of 2048 bits, EC, Ed25519)")
    for algorithm in {algorithm for _, algorithm in keys}:
        same = [key for (_, its), key in keys.items() if its == algorithm]
        keys.pop((None, algorithm), None)
        if len(same) == 1:
            keys[None, algorithm] = same[0]
    return keys


def _usable(described: Any) -> Iterator[tuple[str, jwt.PyJWK]]:
    if not isinstance(described, dict) or not isinstance(described.get("kid"), str | None):
        return
    operations = described.get("key_ops", ["verify"])
    if described.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return
    curve = None if described.get("kty") == "RSA" else described.get("crv")
    for algorithm in ALGORITHMS.get((str(described.get("kty")), curve if curve is None else str(curve)), ()):
        if described.get("alg", algorithm) != algorithm:
            continue
        try:
            key = jwt.PyJWK({part: described[part] for part in PUBLIC if part in described}, algorithm)
        except (jwt.PyJWTError, ValueError, TypeError):
            return
        if described["kty"] != "RSA" or MIN_RSA_BITS <= key.key.key_size <= MAX_RSA_BITS:
            yield algorithm, key
