"""Bearer tokens: what a good one says, and every way in which one is not."""

import base64
import hashlib
import hmac
import json
import logging
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.access.caller import Caller, Presented, Quota, Verb
from serving.access.signing_keys import read_signing_keys
from serving.access.tokens import MAX_REMEMBERED, MAX_TOKEN_BYTES, TokenVerifier
from serving.errors import Unauthenticated
from tests.issuer_parts import AUDIENCE, ISSUER, NOW, claims, jwk, jwks, private_key, token

TEN = Quota(rows_per_second=10.0)


def verifier_of(document: bytes | None = None) -> TokenVerifier:
    verifier = TokenVerifier(ISSUER, AUDIENCE, jwks_url=None, quota=TEN)
    document = document or jwks(jwk("rsa"), jwk("ec"), jwk("ed"))
    verifier.learn(read_signing_keys(document), document)
    return verifier


def caller_of(verifier: TokenVerifier, given_token: bytes, now_seconds: float = NOW) -> Caller | None:
    """None for a token that is refused, with the words it always is."""
    try:
        return verifier.caller_of(Presented(token=given_token), now_seconds)
    except Unauthenticated as error:
        if str(error) != "the token is not valid":
            raise
        return None


@pytest.mark.parametrize(("kind", "algorithm"), [("rsa", "RS256"), ("rsa", "PS512"), ("ec", "ES256"), ("ed", "EdDSA")])
def test_a_good_token_is_its_subject_with_its_scope(kind: str, algorithm: str) -> None:
    assert caller_of(verifier_of(), token(kind=kind, algorithm=algorithm)) == Caller(
        "shop", frozenset({Verb.PREDICT, Verb.READ}), frozenset({"digits"}), TEN, NOW + 330.0
    )


@pytest.mark.parametrize(
    ("scope", "verbs", "models"),
    [
        (None, set(), set()),
        ("", set(), set()),
        ("openid penstock:admin penstock: PENSTOCK:READ", set(), set()),
        (["penstock:read"], set(), set()),
        ("penstock:metrics  penstock:model:*", {Verb.METRICS}, {"*"}),
        ("penstock:read\tpenstock:predict", set(), set()),
        ("penstock:model:a penstock:model:b", set(), {"a", "b"}),
    ],
)
def test_a_token_may_do_what_its_scope_says_and_nothing_else(scope: object, verbs: set[Verb], models: set[str]) -> None:
    caller = caller_of(verifier_of(), token(claims(scope=scope)))
    assert caller is not None
    assert caller.verbs == verbs
    assert caller.models == models


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": None},
        {"iss": ISSUER + "/"},
        {"iss": [ISSUER]},
        {"iss": ISSUER.upper()},
        {"aud": None},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": []},
        {"aud": "penstock another"},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "a\nb"},
        {"sub": "a\u202eb"},
        {"sub": "x" * 129},
        {"exp": None},
        {"exp": NOW - 30},
        {"exp": str(NOW + 300)},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"exp": 10**400},
        {"exp": True},
        {"exp": {}},
        {"nbf": NOW + 31},
        {"nbf": float("nan")},
        {"nbf": "now"},
    ],
    ids=str,
)
def test_a_claim_that_is_missing_or_wrong_refuses_the_token(changed: dict[str, Any]) -> None:
    encoded = jwt.api_jws.encode(
        json.dumps(claims(**changed)).encode(),
        private_key("rsa"),
        "RS256",
        headers={"kid": "rsa"},
    )
    assert caller_of(verifier_of(), encoded.encode()) is None


@pytest.mark.parametrize(
    "changed", [{"exp": NOW - 29}, {"nbf": NOW + 30}, {"aud": ["other", AUDIENCE]}, {"iat": NOW * 2}]
)
def test_thirty_seconds_between_clocks_are_nothing(changed: dict[str, Any]) -> None:
    assert caller_of(verifier_of(), token(claims(**changed))) is not None


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def hmac_token(algorithm: str, secret: bytes, kid: str) -> bytes:
    """Signed with what is public as if it were a shared secret."""
    signed = f"{part({'alg': algorithm, 'kid': kid})}.{part(claims())}"
    digest = hmac.digest(secret, signed.encode(), {"HS256": "sha256", "HS512": "sha512"}[algorithm])
    return f"{signed}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}".encode()


def test_no_algorithm_is_taken_that_anybody_could_sign_by() -> None:
    verifier = verifier_of()
    public = private_key("rsa").public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    forged = [hmac_token(name, secret, "rsa") for name in ("HS256", "HS512") for secret in (pem, der, pem.strip(), b"")]
    nones: list[object] = ["none", "None", "NONE", "", None, 0, [], ["RS256"], {}]
    for none in nones:
        forged += [f"{part({'alg': none, 'kid': 'rsa'})}.{part(claims())}.".encode()]
        forged += [f"{part({'alg': none})}.{part(claims())}.AAAA".encode()]
    signature = token().rsplit(b".", 1)[1].decode()
    forged += [f"{part({'alg': 'none', 'kid': 'rsa'})}.{part(claims())}.{signature}".encode()]
    assert [one for one in forged if caller_of(verifier, one) is not None] == []


def test_a_key_verifies_its_own_algorithm_only() -> None:
    verifier = verifier_of(jwks(jwk("rsa", alg="PS256"), jwk("ec")))
    assert caller_of(verifier, token(algorithm="PS256")) is not None
    assert caller_of(verifier, token(algorithm="RS256")) is None
    assert caller_of(verifier, token(kind="ec", algorithm="ES256", kid="rsa")) is None
    assert caller_of(verifier, token(algorithm="PS256", kid="ec")) is None


def test_another_issuers_key_under_our_keys_name_signs_nothing() -> None:
    assert caller_of(verifier_of(), token(kind="other-rsa", kid="rsa")) is None


def test_keys_that_the_token_brings_itself_are_not_looked_at() -> None:
    forged = token(kind="other-rsa", kid="rsa", jwk=jwk("other-rsa"), jku="https://evil.example.com", x5c=["AAAA"])
    assert caller_of(verifier_of(), forged) is None


def test_a_token_without_a_key_id_is_verified_where_one_key_can_be_meant() -> None:
    unnamed = jwt.encode(claims(), private_key("rsa"), "RS256").encode()
    assert caller_of(verifier_of(), unnamed) is not None
    assert caller_of(verifier_of(jwks(jwk("rsa"), jwk("other-rsa"))), unnamed) is None


@pytest.mark.parametrize("header", [{"crit": ["exp"]}, {"crit": ["b64"], "b64": False}, {"kid": 7}, {"kid": "\ud800"}])
def test_headers_that_must_be_understood_and_are_not_refuse_the_token(header: dict[str, Any]) -> None:
    signed = f"{part({'alg': 'RS256', 'kid': 'rsa', **header})}.{part(claims())}"
    signature = jwt.get_algorithm_by_name("RS256").sign(signed.encode(), private_key("rsa"))
    encoded = f"{signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"
    assert caller_of(verifier_of(), encoded.encode()) is None


def test_one_changed_byte_anywhere_refuses_the_token() -> None:
    verifier, good = verifier_of(), token(kind="ed", algorithm="EdDSA")
    assert caller_of(verifier, good) is not None
    changed = [good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :] for at in range(len(good))]
    changed += [good + b"=", good + b"A", good + b".", b" " + good, good + b"\n", good.replace(b".", b"..", 1)]
    assert [one for one in changed if caller_of(verifier, one) is not None] == []


@settings(max_examples=60)
@given(st.binary(max_size=200) | st.lists(st.binary(max_size=60).map(base64.urlsafe_b64encode)).map(b".".join))
def test_any_bytes_are_refused_like_all_others(anything: bytes) -> None:
    assert caller_of(TokenVerifier(ISSUER, AUDIENCE, jwks_url=None, quota=TEN), anything) is None


def test_a_huge_token_is_not_even_hashed_and_a_deep_one_is_no_crash() -> None:
    verifier = verifier_of()
    large = token(claims(more="x" * MAX_TOKEN_BYTES))
    assert caller_of(verifier, large) is None
    assert verifier._remembered == {}
    deep = base64.urlsafe_b64encode(b"[" * 3000).rstrip(b"=")
    assert caller_of(verifier, deep + b"." + deep + b".AAAA") is None


def test_a_token_is_remembered_by_its_digest_until_it_expires() -> None:
    verifier, good = verifier_of(), token()
    first = caller_of(verifier, good)
    assert caller_of(verifier, good, NOW + 329.9) is first
    assert list(verifier._remembered) == [hashlib.sha256(good).digest()]
    assert caller_of(verifier, good, NOW + 330) is None
    assert verifier._remembered == {}
    assert caller_of(verifier, good, NOW + 330) is None


def test_only_so_many_are_remembered() -> None:
    verifier = verifier_of()
    verifier._remembered.update(
        {number.to_bytes(32): Caller("", frozenset(), frozenset()) for number in range(MAX_REMEMBERED)}
    )
    assert caller_of(verifier, token()) is not None
    assert len(verifier._remembered) == MAX_REMEMBERED


def test_a_key_that_the_issuer_withdraws_takes_its_tokens_along() -> None:
    verifier, good = verifier_of(), token()
    assert caller_of(verifier, good) is not None
    before, document = verifier.generation, jwks(jwk("ec"))
    verifier.learn(read_signing_keys(document), document)
    assert caller_of(verifier, good) is None
    assert verifier.generation == before + 1
    verifier.learn(read_signing_keys(document), document)
    assert verifier.generation == before + 1


def test_what_brings_no_token_is_not_its_kind() -> None:
    assert verifier_of().caller_of(Presented(api_key=b"x"), NOW) is None


def test_a_line_of_the_log_says_why_and_shows_nothing_of_the_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    verifier = verifier_of()
    tokens = [token(), token(claims(aud="another")), token(claims(exp=1)), token(kind="other-rsa", kid="rsa"), b"a.b.c"]
    for one in tokens:
        caller_of(verifier, one)
    assert "InvalidAudienceError" in caplog.text
    told = caplog.text + repr(verifier) + repr(verifier.__dict__) + "".join(repr(r.__dict__) for r in caplog.records)
    pieces = [piece.decode() for one in tokens[:4] for piece in one.split(b".")[1:]]
    assert [piece for piece in pieces if piece in told] == []
