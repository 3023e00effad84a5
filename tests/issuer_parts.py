"""An issuer's private keys, the documents it publishes of them, and the tokens it signs: for tests."""

import functools
import json
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER, AUDIENCE = "https://issuer.example.com/realm", "penstock"
NOW = 1_800_000_000
SCOPE = "openid penstock:predict penstock:read penstock:model:digits"


@functools.cache
def private_key(kind: str) -> Any:
    """`rsa`, `other-rsa`, `weak-rsa`, `ec` or `ed`; the same one each time. An RSA key takes a tenth of a second."""
    if kind.endswith("rsa"):
        return rsa.generate_private_key(65537, 1024 if kind == "weak-rsa" else 2048)
    return ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else ed25519.Ed25519PrivateKey.generate()


def jwk(kind: str, **more: object) -> dict[str, Any]:
    """The public key as an issuer publishes it."""
    public = private_key(kind).public_key()
    algorithm = RSAAlgorithm if kind.endswith("rsa") else ECAlgorithm if kind == "ec" else OKPAlgorithm
    described: dict[str, Any] = algorithm.to_jwk(public, as_dict=True)
    described.pop("key_ops", None)
    return {**described, "kid": kind, "use": "sig", **more}


def jwks(*keys: object) -> bytes:
    return json.dumps({"keys": list(keys)}).encode()


def claims(**changed: Any) -> dict[str, Any]:
    """Of a good token; a claim that is None is left out."""
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "shop", "exp": NOW + 300, "scope": SCOPE}
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


def token(
    said: Mapping[str, Any] | None = None, *, kind: str = "rsa", algorithm: str = "RS256", **header: Any
) -> bytes:
    """Signed by the private key of that kind, and named by it unless `kid` says otherwise."""
    return jwt.encode(dict(said or claims()), private_key(kind), algorithm, headers={"kid": kind, **header}).encode()
