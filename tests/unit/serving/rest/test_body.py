"""Bodies over a scripted `receive`: it fails the test when more is read than the script holds."""

import asyncio
from collections.abc import Callable

import pytest
from starlette.types import Message

from serving.errors import Cancelled, InvalidInput, PayloadTooLarge
from serving.rest.body import read_body
from serving.rest.request_head import RequestHead

LIMIT = 10
GONE: Message = {"type": "http.disconnect"}

ReadBody = Callable[..., bytes]


def chunks(*parts: bytes) -> list[Message]:
    """The parts, more to come after each but the last."""
    last = len(parts) - 1
    return [{"type": "http.request", "body": part, "more_body": index < last} for index, part in enumerate(parts)]


@pytest.fixture
def read() -> ReadBody:
    def run(messages: list[Message], **headers: str) -> bytes:
        coming = iter(messages)

        async def receive() -> Message:
            return next(coming)

        named = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
        return asyncio.run(read_body(receive, RequestHead(named), LIMIT))

    return run


@pytest.mark.parametrize("parts", [(b"",), (b"0123456789",), (b"01234", b"56789"), (b"", b"0", b"", b"1", b"")])
def test_a_body_is_read_whole_however_it_is_cut(read: ReadBody, parts: tuple[bytes, ...]) -> None:
    assert read(chunks(*parts)) == b"".join(parts)


@pytest.mark.parametrize("parts", [(b"0" * 11,), (b"01234", b"567890"), (b"0" * 11, b""), (b"0" * 9, b"0", b"0")])
def test_a_body_over_the_limit_is_refused(read: ReadBody, parts: tuple[bytes, ...]) -> None:
    with pytest.raises(PayloadTooLarge, match="larger than 10 bytes"):
        read(chunks(*parts))


def test_reading_stops_at_the_limit(read: ReadBody) -> None:
    with pytest.raises(PayloadTooLarge):
        read(chunks(b"0" * 6, b"0" * 6, b"unread")[:2])


def test_a_length_over_the_limit_is_refused_before_anything_is_read(read: ReadBody) -> None:
    with pytest.raises(PayloadTooLarge):
        read([], content_length="11")


@pytest.mark.parametrize("length", ["", "-1", "ten", "1e3", "+5"])
def test_a_length_that_is_no_number_is_refused(read: ReadBody, length: str) -> None:
    with pytest.raises(InvalidInput, match="Content-Length"):
        read([], content_length=length)


def test_a_length_that_lies_does_not_raise_the_limit(read: ReadBody) -> None:
    with pytest.raises(PayloadTooLarge):
        read(chunks(b"0" * 11), content_length="5")


@pytest.mark.parametrize("before", [[], chunks(b"0", b"")[:1]], ids=["at once", "half way"])
def test_a_client_that_leaves_is_told_apart(read: ReadBody, before: list[Message]) -> None:
    with pytest.raises(Cancelled):
        read([*before, GONE])
