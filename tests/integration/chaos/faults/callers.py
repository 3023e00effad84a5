"""Callers that go before they are answered, or say that they have no more to say and wait."""

import random
import socket
import struct
from contextlib import closing
from dataclasses import dataclass

from loadtests.http_connection import http_target
from tests.integration.chaos.faults.fault import NOBODY
from tests.integration.chaos.faults.resources import open_files
from tests.integration.chaos.questions import QUESTIONS, TURNS, Outcome
from tests.processes import GatewayProcess
from tests.swaps import until

CALLERS, SPARE_DESCRIPTORS = 200, 8
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass
class VanishingCallers:
    """Each sends a part of a request, or all of it, and hangs up: politely, by a reset, or after a half-close."""

    gateway: GatewayProcess
    chance: random.Random
    name: str = "callers: gone in the middle"
    lasts: bool = False
    harm: frozenset[Outcome] = NOBODY
    recovers_seconds: float = 2.0

    def begin(self) -> None:
        before = open_files(self.gateway.process.pid)
        for _ in range(CALLERS):
            self.call_and_go()
        until(lambda: open_files(self.gateway.process.pid) < before + SPARE_DESCRIPTORS)

    def end(self) -> None:
        """They are gone, and the gateway has let go of their connections."""

    def call_and_go(self) -> None:
        content = QUESTIONS[self.chance.randrange(TURNS)].content
        part = content[: self.chance.choice((len(content), self.chance.randrange(len(content))))]
        with closing(socket.create_connection(http_target(self.gateway.url), 30.0)) as connection:
            connection.sendall(part)
            way = self.chance.choice(("polite", "reset", "half-close"))
            if way == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            elif way == "half-close":
                connection.shutdown(socket.SHUT_WR)
