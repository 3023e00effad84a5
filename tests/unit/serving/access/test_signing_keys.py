"""An issuer's JWK Set: which keys are taken from it, and that no document is more than refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.access.signing_keys import read_signing_keys
from serving.errors import IntegrityError
from tests.issuer_parts import jwk, jwks

RSA = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}


def test_a_key_is_known_by_the_algorithms_of_its_type() -> None:
    keys = read_signing_keys(jwks(jwk("rsa"), jwk("ec"), jwk("ed", alg="EdDSA")))
    assert {algorithm for kid, algorithm in keys if kid == "rsa"} == RSA
    assert {algorithm for kid, algorithm in keys if kid == "ec"} == {"ES256"}
    assert {algorithm for kid, algorithm in keys if kid == "ed"} == {"EdDSA"}


@pytest.mark.parametrize(
    "unusable",
    [
        jwk("ec", use="enc"),
        jwk("ec", key_ops=["sign"]),
        jwk("ec", key_ops=7),
        jwk("ec", kid=7),
        jwk("ec", crv="P-384"),
        jwk("ec", crv=["P-256"]),
        jwk("ec", alg="HS256"),
        jwk("ec", x="A" * 43),
        jwk("ec", x=None),
        {"kty": "oct", "kid": "shared", "k": "AAAA"},
        {"kty": "RSA", "kid": "empty"},
        {"kty": ["RSA"]},
        "text",
        None,
    ],
)
def test_keys_that_are_not_for_us_are_passed_over(unusable: object) -> None:
    assert {kid for kid, _ in read_signing_keys(jwks(unusable, jwk("ed")))} == {"ed", None}
    with pytest.raises(IntegrityError, match="no key to verify"):
        read_signing_keys(jwks(unusable))


def test_a_weak_key_is_none() -> None:
    with pytest.raises(IntegrityError, match="no key to verify"):
        read_signing_keys(jwks(jwk("weak-rsa")))


def test_two_keys_of_one_algorithm_leave_none_for_tokens_that_name_none() -> None:
    keys = read_signing_keys(jwks(jwk("ec"), jwk("ec", kid="second"), jwk("ed")))
    assert (None, "ES256") not in keys
    assert (None, "EdDSA") in keys


@pytest.mark.parametrize("document", [b"", b"{}", b"[]", b"\xff", b'{"keys": {}}', b"[" * 100_000, b"null"])
def test_what_is_no_set_says_so(document: bytes) -> None:
    with pytest.raises(IntegrityError, match="no JWK Set"):
        read_signing_keys(document)


parts = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.lists(st.text(max_size=3), max_size=2)
described = st.dictionaries(st.sampled_from(["kty", "crv", "n", "e", "x", "y", "kid", "use", "alg", "key_ops"]), parts)


@settings(max_examples=50)
@given(described, st.sampled_from(["rsa", "ec", "ed"]))
def test_any_key_is_usable_or_passed_over(changed: dict[str, object], kind: str) -> None:
    read_signing_keys(jwks(jwk("ed", kid="good"), {**jwk(kind), **changed}))
