"""Callers that mean harm, as a process: connections that trickle, say nothing, or only rest.

`python -m loadtests.bench.attackers PORT KIND NUMBER` opens them on loopback, prints a line of JSON once all have been
tried, opens anew what the server closes, and ends with another line when its standard input does.
"""

import asyncio
import json
import os
import resource
import sys
from collections.abc import Mapping
from types import MappingProxyType

import uvloop

SECONDS_BETWEEN_BYTES = 1.0
AGAIN_SECONDS = 0.5
"""Before a connection that was refused or closed is opened again."""
AT_ONCE = 200
"""Connections opened at the same time: the queue of a listening socket is not what is tried here."""
SPARED_DESCRIPTORS = 100
NICENESS = 10
"""The process shares a core with the generator, which must not wait for it."""
FIRST_WORDS: Mapping[str, bytes] = MappingProxyType(
    {
        "trickle": b"POST /v1/models/mnist:predict HTTP/1.1\r\nhost: gateway\r\nx-slow: ",
        "silent": b"",
        "idle": b"GET /livez HTTP/1.1\r\nhost: gateway\r\n\r\n",
    }
)
"""What a connection of each kind begins with; the first goes on by a byte a second."""


class Attack:
    """`held` connections are open now, out of `opened` in all."""

    def __init__(self, port: int, kind: str, number: int) -> None:
        self._port, self._kind, self._number = port, kind, number
        self._gate = asyncio.Semaphore(AT_ONCE)
        self.held = self.opened = 0
        self.tried = asyncio.Event()
        self._untried = number

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(self._number):
                group.create_task(self._keep_one())

    async def _keep_one(self) -> None:
        is_first = True
        while True:
            try:
                async with self._gate:
                    reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                    writer.write(FIRST_WORDS[self._kind])
                    if self._kind == "idle":
                        await reader.readuntil(b"\r\n\r\n")
                self.held += 1
                self.opened += 1
                is_first = self._tried(is_first=is_first)
                try:
                    await self._stay(reader, writer)
                finally:
                    self.held -= 1
                    writer.close()
            except (OSError, EOFError):
                is_first = self._tried(is_first=is_first)
            await asyncio.sleep(AGAIN_SECONDS)

    def _tried(self, *, is_first: bool) -> bool:
        self._untried -= is_first
        if not self._untried:
            self.tried.set()
        return False

    async def _stay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until the server closes it."""
        if self._kind != "trickle":
            while await reader.read(1024):
                pass
            return
        while not reader.at_eof():
            writer.write(b"a")
            await writer.drain()
            await asyncio.sleep(SECONDS_BETWEEN_BYTES)

    def said(self) -> str:
        return json.dumps({"held": self.held, "opened": self.opened})


def possible(number: int) -> int:
    """As many of them as this process may have open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return number if soft == resource.RLIM_INFINITY else min(number, soft - SPARED_DESCRIPTORS)


async def _attack(port: int, kind: str, number: int) -> None:
    attack = Attack(port, kind, number)
    running = asyncio.create_task(attack.run())
    await attack.tried.wait()
    print(attack.said(), flush=True)  # noqa: T201 - what its parent reads
    await asyncio.to_thread(sys.stdin.read)
    print(attack.said(), flush=True)  # noqa: T201 - what its parent reads
    running.cancel()


def main() -> None:
    os.nice(NICENESS)
    port, kind, number = sys.argv[1:]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_attack(int(port), kind, possible(int(number))))


if __name__ == "__main__":
    main()
