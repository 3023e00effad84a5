"""What a supervisor and its workers say to each other, one JSON line each, over a socket pair.

Pure. Either end knows by the end of the stream that the other is gone; nobody polls.
"""

import json
from dataclasses import dataclass
from typing import Any

from serving.observability.ledger import SharedFiles
from serving.settings import Settings


@dataclass(frozen=True, slots=True)
class Order:
    """To a worker: which one it is, what to serve, and the descriptors to count in."""

    number: int
    settings: Settings
    files: SharedFiles

    def line(self) -> bytes:
        return _line(
            number=self.number,
            settings=self.settings.model_dump(mode="json"),
            counts=self.files.counts,
            board=self.files.board,
        )


@dataclass(frozen=True, slots=True)
class Report:
    """From a worker: the text to greet with once it takes requests, or why it cannot."""

    ready: str = ""
    failed: str = ""

    def line(self) -> bytes:
        return _line(ready=self.ready, failed=self.failed)


def read_order(line: bytes) -> Order:
    order = json.loads(line)
    files = SharedFiles(tuple(order["counts"]), order["board"])
    return Order(order["number"], Settings.model_validate(order["settings"]), files)


def read_report(line: bytes) -> Report:
    return Report(**json.loads(line))


def _line(**parts: Any) -> bytes:
    return json.dumps(parts).encode() + b"\n"
