"""Signatures of manifests: ed25519 (RFC 8032) over the manifest's bytes, in a file beside it. Pure.

A manifest has its model's name, its version's number and the sha256 of every other file, so a signature of it is one of
all of the version, and of none other. What is signed begins with words of its own: a key that also signs other things
never signs a manifest by accident.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import ValidationError

from serving.contract.features import Fact
from serving.errors import IntegrityError

CONTEXT = b"penstock manifest 1\n"
MAX_SIGNATURE_BYTES = 4096
"""Of the file: some 200 bytes of JSON."""


class ManifestSignature(Fact):
    """manifest.sig: `signature` is base64 of the 64 bytes; `key_id` says which key to try."""

    algorithm: Literal["ed25519"] = "ed25519"
    key_id: str
    signature: str


def key_id(key: Ed25519PublicKey) -> str:
    """Sixteen hexadecimal digits: the start of the sha256 of the key's 32 bytes."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def sign_manifest(manifest_text: bytes, key: Ed25519PrivateKey) -> bytes:
    """The content of manifest.sig for a manifest of these bytes."""
    signature = base64.b64encode(key.sign(CONTEXT + manifest_text)).decode()
    return ManifestSignature(key_id=key_id(key.public_key()), signature=signature).model_dump_json().encode() + b"\n"


def check_signature(manifest_text: bytes, signature_text: bytes | None, keys: Mapping[str, Ed25519PublicKey]) -> str:
    """The id of the key of `keys`, by their ids, that signed these bytes. Raises IntegrityError when none did."""
    if signature_text is None:
        raise IntegrityError("the version is not signed; sign it with `penstock models sign`")
    signature = parse_signature(signature_text)
    if (key := keys.get(signature.key_id)) is None:
        raise IntegrityError(f"the version is signed by the key {signature.key_id[:16]!r}, which is not trusted")
    try:
        key.verify(base64.b64decode(signature.signature, validate=True), CONTEXT + manifest_text)
    except (InvalidSignature, binascii.Error) as error:
        raise IntegrityError(f"the signature by {signature.key_id} is not one of this manifest") from error
    return signature.key_id


def parse_signature(text: bytes) -> ManifestSignature:
    """Raises IntegrityError."""
    try:
        return ManifestSignature.model_validate_json(text[:MAX_SIGNATURE_BYTES])
    except ValidationError as error:
        raise IntegrityError("manifest.sig is not a signature of ours") from error
