"""The issuer's keys where no thread can be made to fetch them."""

import asyncio
import logging

import pytest

from serving.access.jwks import IssuerKeys
from serving.access.signing_keys import SigningKeys
from tests.threads import no_more_threads


def test_without_a_thread_to_fetch_them_the_keys_stay_and_the_next_try_may_come(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def learn(_: SigningKeys, __: bytes) -> None:
        raise AssertionError

    issuer = IssuerKeys("https://issuer.test", "https://issuer.test/keys")
    with caplog.at_level(logging.WARNING), no_more_threads():
        asyncio.run(issuer.fetch(learn))
    assert not issuer.healthy
    assert "no more threads" in caplog.text
