"""Clients of every kind in a process whose clock is moved: they ask at once, are refused, and ask again when told.

usage: python -m tests.integration.chaos.clock_clients REST_URL GRPC_URL; it prints a first line when it is ready. Each
line on its standard input makes the clients ask once: what it prints then are lines of JSON, one whenever a client is
about to wait, and in the end the process's own time with what each client got and after how long (monotonic clock).

libfaketime (0.9.10) fails every `time.sleep` of Python 3.11 with EINVAL, so the blocking client sleeps on a lock here.
"""

import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from penstock_client import PenstockError, Retries
from penstock_client.clocks import SystemClock

from tests.integration.clients.kinds import KINDS

PATIENT = Retries(attempts=1000, longest_wait_seconds=0.25, budget_most=1e6)
TIMEOUT_SECONDS = 60.0


class TellingClock(SystemClock):
    def __init__(self, name: str) -> None:
        self._name = name

    def sleep(self, seconds: float) -> None:
        say({"waits": self._name, "seconds": seconds})
        threading.Event().wait(seconds)

    async def asleep(self, seconds: float) -> None:
        say({"waits": self._name, "seconds": seconds})
        await super().asleep(seconds)


def say(facts: object) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def ask(kind: str, wire: str, url: str) -> dict[str, object]:
    began, clock = time.monotonic(), TellingClock(f"{kind} {wire}")
    try:
        with KINDS[kind](url, retries=PATIENT, timeout_seconds=TIMEOUT_SECONDS, clock=clock) as client:
            got = str(client.predict("doubles", {"x": 1.5}).value)  # type: ignore[union-attr] # one for one
    except PenstockError as error:
        got = type(error).__name__
    return {"got": got, "seconds": time.monotonic() - began}


def main(rest_url: str, grpc_url: str) -> None:
    asked = [(kind, wire, url) for kind in KINDS for wire, url in (("rest", rest_url), ("grpc", grpc_url))]
    with ThreadPoolExecutor(len(asked)) as pool:
        say("ready")
        for _ in sys.stdin:
            calls = {f"{each[0]} {each[1]}": pool.submit(ask, *each) for each in asked}
            found = {name: call.result() for name, call in calls.items()}
            say({"time": time.time(), "clients": found})


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
