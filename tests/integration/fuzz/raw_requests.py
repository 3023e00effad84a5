"""Bytes sent to a port as they are, and the statuses they are answered with, as far as they come."""

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

STATUS = re.compile(rb"HTTP/1\.1 (\d{3})[^\r]*\r\n")
LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
QUIET_SECONDS = 1.0
"""After so much silence the server waits for more, or has said all: whoever sent half a request goes."""
AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Answered:
    """`answers` has each answer's status, and whether it says when to come again."""

    sent: bytes
    answers: tuple[tuple[int, bool], ...]


def answers_in(received: bytes) -> tuple[tuple[int, bool], ...]:
    """Those whose head is there; behind one without a length nothing more is looked for."""
    found, at = [], 0
    while status := STATUS.match(received, at):
        end = received.find(b"\r\n\r\n", at)
        if end < 0:
            break
        head = received[at : end + 2]
        found.append((int(status[1]), b"\r\nretry-after:" in head.lower()))
        length = LENGTH.search(head)
        if length is None:
            break
        at = end + 4 + int(length[1])
    return tuple(found)


async def _send(port: int, requests: Sequence[bytes], places: asyncio.Semaphore) -> Answered:
    """Until there are as many answers as requests, or the server goes, or is quiet."""
    data, received = b"".join(requests), b""
    async with places:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(data)
            while piece := await asyncio.wait_for(reader.read(65536), QUIET_SECONDS):
                received += piece
                if len(answers_in(received)) >= len(requests):
                    break
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.transport.abort()
    return Answered(data, answers_in(received))


def send_all(port: int, inputs: Iterable[Sequence[bytes]]) -> list[Answered]:
    """Each a request or more over a connection of its own, some connections at once."""

    async def work() -> list[Answered]:
        places = asyncio.Semaphore(AT_ONCE)
        return await asyncio.gather(*(_send(port, requests, places) for requests in inputs))

    return asyncio.run(work())
