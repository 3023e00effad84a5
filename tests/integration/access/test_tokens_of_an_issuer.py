"""Tokens of an issuer that is really asked for its keys, over loopback: found, rotated, missed, away, hostile."""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from serving.access.caller import Presented, Quota
from serving.access.jwks import IssuerKeys
from serving.access.tokens import TokenVerifier
from serving.errors import InvalidSettings, Unauthenticated
from tests.integration.access.issuer import Issuer, running_issuer
from tests.issuer_parts import AUDIENCE, NOW, claims, jwk, jwks, token

PATIENCE_SECONDS = 20
SOON_SECONDS = 0.02


def verifier_of(
    issuer: str, jwks_url: str | None = None, *, fetch_seconds: float = 600.0, timeout_seconds: float = 10.0
) -> TokenVerifier:
    keys = IssuerKeys(
        issuer, jwks_url, fetch_seconds=fetch_seconds, soonest_seconds=SOON_SECONDS, timeout_seconds=timeout_seconds
    )
    return TokenVerifier(issuer, AUDIENCE, jwks_url=jwks_url, quota=Quota(), keys=keys)


def known(verifier: TokenVerifier, presented: bytes) -> bool:
    try:
        return verifier.caller_of(Presented(token=presented), NOW) is not None
    except Unauthenticated:
        return False


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not holds():  # noqa: ASYNC110 - what is waited for is a state of the verifier, which tells nobody
            await asyncio.sleep(0.005)


def kept(verifier: TokenVerifier, story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Runs the story while the verifier follows its issuer."""

    async def both() -> None:
        keeping = asyncio.create_task(verifier.keep())
        try:
            await story()
            assert not keeping.done()
        finally:
            keeping.cancel()

    asyncio.run(both())


def signed(issuer: Issuer, kind: str, algorithm: str, **changed: object) -> bytes:
    return token(claims(iss=issuer.url, **changed), kind=kind, algorithm=algorithm)


@pytest.mark.parametrize("discovered", [True, False])
def test_the_issuers_keys_verify_its_tokens(discovered: bool) -> None:  # noqa: FBT001 - a case
    with running_issuer() as issuer:
        issuer.publish("/jwks", jwks(jwk("rsa"), jwk("ec")))
        verifier = verifier_of(issuer.url, None if discovered else f"{issuer.url}/jwks")
        assert not known(verifier, signed(issuer, "rsa", "RS256"))

        async def story() -> None:
            await until(lambda: verifier.healthy)
            assert known(verifier, signed(issuer, "rsa", "RS256"))
            assert known(verifier, signed(issuer, "ec", "ES256"))
            assert not known(verifier, signed(issuer, "ec", "ES256", aud="another"))
            assert not known(verifier, signed(issuer, "ec", "ES256", exp=NOW - 31))
            assert issuer.asked["/jwks"] == 1
            assert (issuer.asked["/.well-known/openid-configuration"] == 1) is discovered

        kept(verifier, story)


def test_a_key_that_is_new_is_fetched_when_a_token_names_it_and_a_withdrawn_one_signs_no_more() -> None:
    with running_issuer() as issuer:
        issuer.publish("/jwks", jwks(jwk("rsa")))
        verifier = verifier_of(issuer.url)

        async def story() -> None:
            await until(lambda: verifier.healthy)
            old, new = signed(issuer, "rsa", "RS256"), signed(issuer, "ec", "ES256")
            assert known(verifier, old)
            issuer.publish("/jwks", jwks(jwk("ec")))
            assert known(verifier, old)
            assert not known(verifier, new)
            await until(lambda: known(verifier, new))
            assert not known(verifier, old)

        kept(verifier, story)


def test_made_up_key_ids_do_not_drive_the_gateway_to_its_issuer() -> None:
    with running_issuer() as issuer:
        issuer.publish("/jwks", jwks(jwk("ec")))
        keys = IssuerKeys(issuer.url, f"{issuer.url}/jwks", soonest_seconds=3600)
        verifier = TokenVerifier(issuer.url, AUDIENCE, jwks_url=None, quota=Quota(), keys=keys)

        async def story() -> None:
            await until(lambda: verifier.healthy)
            for number in range(50):
                assert not known(verifier, token(kind="ec", algorithm="ES256", kid=f"made-up-{number}"))
                await asyncio.sleep(0)
            assert issuer.asked["/jwks"] == 1

        kept(verifier, story)


def test_an_issuer_that_is_away_locks_nobody_out(caplog: pytest.LogCaptureFixture) -> None:
    with running_issuer() as issuer:
        issuer.publish("/jwks", jwks(jwk("ec")))
        verifier, port = verifier_of(issuer.url, fetch_seconds=2 * SOON_SECONDS), issuer.server_port
        good, later = signed(issuer, "ec", "ES256"), signed(issuer, "ec", "ES256", sub="later")

        async def fetched() -> None:
            await until(lambda: verifier.healthy)

        kept(verifier, fetched)

    async def away() -> None:
        await until(lambda: not verifier.healthy)
        assert known(verifier, good)
        assert known(verifier, later)  # not seen before: the keys are kept, not what they verified
        with running_issuer(port) as again:
            again.publish("/jwks", jwks(jwk("ec"), jwk("rsa")))
            await until(lambda: known(verifier, signed(again, "rsa", "RS256")))

    kept(verifier, away)
    lines = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert lines == ["the issuer does not answer when asked for its keys: ConnectError; the keys it had stay valid"]


def test_an_issuer_that_is_away_at_the_start_is_asked_again() -> None:
    with running_issuer() as issuer:
        port = issuer.server_port
        verifier = verifier_of(issuer.url)

    async def story() -> None:
        with running_issuer(port) as again:
            assert not known(verifier, signed(again, "ec", "ES256"))
            await until(lambda: again.asked["/jwks"] > 1)
            again.publish("/jwks", jwks(jwk("ec")))
            await until(lambda: known(verifier, signed(again, "ec", "ES256")))

    kept(verifier, story)


@pytest.mark.parametrize(
    ("status", "headers", "body", "said"),
    [
        (302, {"Location": "/elsewhere"}, b"", "answered 302"),
        (500, {}, b"", "answered 500"),
        (200, {}, b'{"keys": [' + b" " * 300_000 + b"]}", "more than 262144 bytes"),
        (200, {"Content-Encoding": "gzip"}, b"\x1f\x8b", "no JWK Set"),
        (200, {}, b"<html>", "no JWK Set"),
        (200, {"Content-Length": "1000"}, b"{", "does not answer"),
    ],
    ids=["redirect", "error", "huge", "packed", "html", "stalled"],
)
def test_an_answer_that_is_no_jwk_set_leaves_the_keys_as_they_were(
    status: int, headers: dict[str, str], body: bytes, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    with running_issuer() as issuer:
        issuer.publish("/jwks", jwks(jwk("ec")))
        issuer.publish("/elsewhere", jwks(jwk("other-rsa")))
        timeout_seconds = 0.4 if "Content-Length" in headers else 10.0
        verifier = verifier_of(
            issuer.url, f"{issuer.url}/jwks", fetch_seconds=2 * SOON_SECONDS, timeout_seconds=timeout_seconds
        )

        async def story() -> None:
            await until(lambda: verifier.healthy)
            issuer.answers["/jwks"] = (status, headers, body)
            await until(lambda: not verifier.healthy)
            assert known(verifier, signed(issuer, "ec", "ES256"))
            assert issuer.asked["/elsewhere"] == 0

        kept(verifier, story)
    assert said in caplog.text


def test_an_issuer_that_stalls_holds_up_no_stop() -> None:
    with running_issuer() as issuer:
        issuer.answers["/jwks"] = (200, {"Content-Length": "1000"}, b"{")
        verifier = verifier_of(issuer.url, f"{issuer.url}/jwks", timeout_seconds=2 * PATIENCE_SECONDS)

        async def story() -> None:
            await until(lambda: issuer.asked["/jwks"] == 1)

        kept(verifier, story)
        assert "penstock-issuer" in [thread.name for thread in threading.enumerate()]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, "no jwks_uri"),
        ({"issuer": "https://another.example.com", "jwks_uri": "https://another.example.com/jwks"}, "another issuer's"),
        ({"jwks_uri": "http://192.0.2.1/jwks"}, "https:// only"),
        ({"jwks_uri": "ftp://127.0.0.1/jwks"}, "https:// only"),
    ],
)
def test_a_discovery_document_leads_nowhere_else(
    document: dict[str, object], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    with running_issuer() as issuer:
        issuer.publish("/.well-known/openid-configuration", {"issuer": issuer.url, **document})
        verifier = verifier_of(issuer.url)

        async def story() -> None:
            await until(lambda: issuer.asked.total() > 1)
            assert not verifier.healthy

        kept(verifier, story)
    assert said in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "http://issuer.example.com",
        "ftp://127.0.0.1",
        "issuer",
        "",
        "https://user@host",
        "http://10.0.0.1/",
        "http://[1",
    ],
)
def test_keys_come_over_tls_or_from_this_machine(url: str) -> None:
    with pytest.raises(InvalidSettings):
        TokenVerifier(url, AUDIENCE, jwks_url=None, quota=Quota())
    with pytest.raises(InvalidSettings):
        TokenVerifier("https://issuer.example.com", AUDIENCE, jwks_url=url or "issuer", quota=Quota())
