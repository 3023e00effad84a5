"""Credentials in a request's head: one of two forms, and no message that repeats what came."""

import pytest

from serving.access.caller import Presented
from serving.access.presented import NOTHING, presented_by, presented_in
from serving.errors import Unauthenticated

SECRET = "pk_live_0123456789"  # noqa: S105 - made up


@pytest.mark.parametrize(
    ("headers", "presented"),
    [
        ({}, NOTHING),
        ({"x-api-key": SECRET}, Presented(api_key=SECRET.encode())),
        ({"x-api-key": f" {SECRET} "}, Presented(api_key=SECRET.encode())),
        ({"authorization": f"Bearer {SECRET}"}, Presented(token=SECRET.encode())),
        ({"authorization": "Bearer psk_0123abcd_made-up"}, Presented(api_key=b"psk_0123abcd_made-up")),
        ({"authorization": f"bearer   {SECRET}"}, Presented(token=SECRET.encode())),
    ],
)
def test_both_protocols_present_the_same(headers: dict[str, str], presented: Presented) -> None:
    assert presented_in({name.encode(): value.encode() for name, value in headers.items()}) == presented
    assert presented_by([("x-request-id", "1"), *headers.items()]) == presented


@pytest.mark.parametrize(
    ("headers", "remedy"),
    [
        ({"x-api-key": SECRET, "authorization": f"Bearer {SECRET}"}, "send one of the two"),
        ({"x-api-key": ""}, "send the key alone"),
        ({"x-api-key": f"{SECRET} {SECRET}"}, "send the key alone"),
        ({"x-api-key": SECRET + "\xe9"}, "send the key alone"),
        ({"x-api-key": SECRET * 1000}, "send the key alone"),
        ({"authorization": SECRET}, "a key goes in X-API-Key"),
        ({"authorization": f"Basic {SECRET}"}, "a key goes in X-API-Key"),
        ({"authorization": "Bearer"}, "send `Bearer <token>`"),
        ({"authorization": f"Bearer {SECRET} {SECRET}"}, "send `Bearer <token>`"),
    ],
)
def test_what_cannot_be_a_credential_is_told_the_remedy_and_never_repeated(
    headers: dict[str, str], remedy: str
) -> None:
    for present in (_by_rest, _by_grpc):
        with pytest.raises(Unauthenticated) as raised:
            present(headers)
        assert remedy in str(raised.value)
        assert SECRET not in str(raised.value)


def _by_rest(headers: dict[str, str]) -> Presented:
    return presented_in({name.encode(): value.encode("latin-1") for name, value in headers.items()})


def _by_grpc(headers: dict[str, str]) -> Presented:
    return presented_by(headers.items())
