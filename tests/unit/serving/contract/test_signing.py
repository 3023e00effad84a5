"""A signature binds exactly one manifest to exactly one key."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from serving.contract.signing import CONTEXT, check_signature, key_id, sign_manifest
from serving.errors import IntegrityError

KEY, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32) for seed in (1, 2))
KEYS = {key_id(KEY.public_key()): KEY.public_key()}
TEXT = b'{"model": "digits", "version": 3}\n'


def test_a_signed_manifest_is_taken_and_names_its_key() -> None:
    assert check_signature(TEXT, sign_manifest(TEXT, KEY), KEYS) == key_id(KEY.public_key())


def test_a_missing_signature_is_told_with_the_remedy() -> None:
    with pytest.raises(IntegrityError, match="not signed; sign it with `penstock models sign`"):
        check_signature(TEXT, None, KEYS)


def test_another_key_is_not_trusted_even_under_the_ones_id() -> None:
    with pytest.raises(IntegrityError, match="which is not trusted"):
        check_signature(TEXT, sign_manifest(TEXT, OTHER), KEYS)
    forged = json.loads(sign_manifest(TEXT, OTHER)) | {"key_id": next(iter(KEYS))}
    with pytest.raises(IntegrityError, match="is not one of this manifest"):
        check_signature(TEXT, json.dumps(forged).encode(), KEYS)


def test_what_the_key_signs_elsewhere_is_no_signature_of_a_manifest() -> None:
    bare = json.loads(sign_manifest(b"", KEY))
    assert check_signature(b"", json.dumps(bare).encode(), KEYS)
    with pytest.raises(IntegrityError, match="is not one of this manifest"):
        check_signature(CONTEXT, json.dumps(bare).encode(), KEYS)


@given(st.integers(0, len(TEXT) - 1), st.integers(1, 255))
def test_no_byte_of_the_manifest_can_be_changed(place: int, change: int) -> None:
    altered = TEXT[:place] + bytes([TEXT[place] ^ change]) + TEXT[place + 1 :]
    with pytest.raises(IntegrityError):
        check_signature(altered, sign_manifest(TEXT, KEY), KEYS)


@given(st.binary(max_size=300) | st.from_regex(r'\{"key_id": "\w*", "signature": "[^"]*"\}').map(str.encode))
def test_whatever_lies_in_its_place_is_refused_and_nothing_worse(text: bytes) -> None:
    with pytest.raises(IntegrityError):
        check_signature(TEXT, text, KEYS)
