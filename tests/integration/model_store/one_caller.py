"""Somebody who asks a gateway throughout a test, and keeps what came of it."""

import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path

from serving.model_store.versions import read_manifest
from tests.processes import STOP_SECONDS, GatewayProcess


class Asking:
    """Asks a gateway without a pause; `failed` has what was not answered, `versions` who answered, in order."""

    def __init__(self, gateway: GatewayProcess, image: bytes) -> None:
        self._gateway, self._image = gateway, image
        self.failed: list[object] = []
        self.versions: list[str] = []
        self._answered = threading.Condition()
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            try:
                status, body, headers = self._gateway.post("/v1/models/digits:predict", self._image)
            except OSError as error:
                self.failed.append(error)
                continue
            if status != 200:
                self.failed.append(body)
            with self._answered:
                self.versions.append(headers.get("x-model-version", ""))
                self._answered.notify_all()

    def until_answered_by(self, version: int) -> None:
        with self._answered:
            assert self._answered.wait_for(lambda: self.versions[-1:] == [str(version)], STOP_SECONDS), self.versions[
                -3:
            ]


@contextlib.contextmanager
def asking(gateway: GatewayProcess, body: bytes) -> Iterator[Asking]:
    caller = Asking(gateway, body)
    thread = threading.Thread(target=caller.run)
    thread.start()
    try:
        yield caller
    finally:
        caller.over.set()
        thread.join(STOP_SECONDS)


def golden_request(models: Path) -> bytes:
    manifest = read_manifest(models, "digits", 1)
    assert manifest
    return json.dumps({"instances": [manifest.golden_examples[0].instance]}).encode()
