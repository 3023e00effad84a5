"""Clients that ask a gateway for predictions again and again, each on its own connection, and keep what they got."""

import http.client
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from serving.model_store.versions import read_manifest

CLIENTS = 8
BOUND_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    code: str
    retry_after: str | None
    version: str | None
    seconds: float


def body_for(models: Path, model: str) -> bytes:
    manifest = read_manifest(models, model, 1)
    assert manifest
    return json.dumps({"instances": [manifest.golden_examples[0].instance]}).encode()


class Asker:
    """One connection; `timeout_ms` is the deadline of each request."""

    def __init__(self, url: str, model: str, body: bytes, timeout_ms: int) -> None:
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=BOUND_SECONDS)
        self._path, self._body = f"/v1/models/{model}:predict", body
        self._headers = {"content-type": "application/json", "x-request-timeout-ms": str(timeout_ms)}

    def ask(self) -> Answer:
        started = time.monotonic()
        self._connection.request("POST", self._path, self._body, self._headers)
        answer = self._connection.getresponse()
        told = json.loads(answer.read())
        headers = answer.headers
        seconds = time.monotonic() - started
        return Answer(answer.status, told.get("code", ""), headers["retry-after"], headers["x-model-version"], seconds)

    def ask_until(self, wanted: Callable[[Answer], bool]) -> Answer:
        deadline = time.monotonic() + BOUND_SECONDS
        while not wanted(answer := self.ask()):
            assert time.monotonic() < deadline, answer
        return answer

    def close(self) -> None:
        self._connection.close()


class Senders:
    """Eight clients that send while the block lasts; what any of them met is raised at its end."""

    def __init__(self, url: str, body: bytes, model: str = "digits", timeout_ms: int = 20_000) -> None:
        self._askers = [Asker(url, model, body, timeout_ms) for _ in range(CLIENTS)]
        self._stop, self._answered = threading.Event(), threading.Condition()
        self._faults: list[BaseException] = []
        self.answers: list[Answer] = []
        self._threads = [threading.Thread(target=self._send, args=(asker,)) for asker in self._askers]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(2 * BOUND_SECONDS)
        for asker in self._askers:
            asker.close()
        if self._faults and kind is None:
            raise self._faults[0]

    def until(self, wanted: Callable[[list[Answer]], bool]) -> int:
        """Wait until the answers so far are as `wanted`; how many there are then."""
        with self._answered:
            assert self._answered.wait_for(lambda: self._faults or wanted(self.answers), BOUND_SECONDS)
            return len(self.answers)

    def until_more(self, answers: int, status: int = 200) -> int:
        """Wait for so many more with this status."""
        start = len(self.answers)
        return self.until(lambda all_: sum(each.status == status for each in all_[start:]) >= answers)

    def _send(self, asker: Asker) -> None:
        try:
            while not self._stop.is_set():
                answer = asker.ask()
                with self._answered:
                    self.answers.append(answer)
                    self._answered.notify_all()
        except BaseException as fault:  # noqa: BLE001 - told to whoever waits
            with self._answered:
                self._faults.append(fault)
                self._answered.notify_all()
