"""A server that does nothing but answer 200, at once or after a while that no load changes.

usage: null_http PORT [MEDIAN_MS]; the whiles are lognormal, from a seed.
"""

import asyncio
import sys
from random import Random

import uvloop

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
SPREAD = 0.3
"""Of the whiles' logarithm: p99 is twice the median."""


class Answering(asyncio.Protocol):
    """One request at a time on a connection, in one piece; that is how the generators here ask."""

    def __init__(self, median_seconds: float, random: Random) -> None:
        self._median_seconds, self._random = median_seconds, random

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = transport.write  # type: ignore[attr-defined] # uvloop's is no asyncio.Transport by inheritance

    def data_received(self, _data: bytes) -> None:
        if self._median_seconds:
            seconds = self._median_seconds * self._random.lognormvariate(0, SPREAD)
            asyncio.get_running_loop().call_later(seconds, self._write, ANSWER)
        else:
            self._write(ANSWER)


async def main(port: int, median_seconds: float) -> None:
    random = Random(1)  # noqa: S311 - so that a run can be repeated
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Answering(median_seconds, random), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(sys.argv[1]), float(sys.argv[2]) / 1e3 if len(sys.argv) > 2 else 0.0))
