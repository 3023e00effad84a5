"""What the storms ask over REST, and what a right answer is; `calls.py` says it of gRPC. Pure.

Every request in a turn of TURNS, over whichever protocol, has numbers of its own, so that an answer that belongs to
another request is wrong.
"""

import json
import re
from enum import StrEnum

from loadtests.http_connection import request_bytes
from loadtests.wire import WireRequest

TURNS = 600
DEADLINE_SECONDS = 2.0
"""What every request tells the gateway it has."""
_WITH_RETRY_AFTER, _LATE = (503, 429), 504


class Protocol(StrEnum):
    """As the gateway's metrics name them: REST, the Open Inference Protocol, TensorFlow Serving's PredictionService."""

    REST = "rest_v1"
    OIP = "grpc_v2"
    TFS = "grpc_tfs"


class Outcome(StrEnum):
    """How a request ended. `ANSWERED` is right; `REFUSED` says why and when to come again (503 or 429 with
    Retry-After, 504, and gRPC's like); `FAILED` is another status or a connection that broke; `LOST` is no end at all.
    """

    ANSWERED = "answered"
    WRONG = "wrong"
    REFUSED = "refused"
    FAILED = "failed"
    LOST = "lost"


def numbers(turn: int) -> list[float]:
    """One to three, which no other turn has; twice of each is exact in float32."""
    return [turn * 4.0 + place + 0.25 for place in range(1 + turn % 3)]


def question(turn: int) -> WireRequest:
    headers = {
        "content-type": "application/json",
        "x-request-id": f"turn-{turn}",
        "x-request-timeout-ms": str(DEADLINE_SECONDS * 1e3),
    }
    body = json.dumps({"instances": numbers(turn)}).encode()
    return WireRequest(request_bytes("gateway", "/v1/models/doubles:predict", headers, body))


QUESTIONS = tuple(question(turn) for turn in range(TURNS))


def judged(number: int, received: bytes) -> Outcome:
    """The outcome of a request that was answered with these bytes, whole head and body."""
    head, _, body = received.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").lower().split("\r\n")
    status, headers = int(status_line.split()[1]), dict(line.split(": ", 1) for line in lines)
    if len(body) != int(headers["content-length"]):  # more than was asked for
        return Outcome.WRONG
    if status == 200:
        return Outcome.ANSWERED if _is_right(number % TURNS, headers, body) else Outcome.WRONG
    is_refusal = status == _LATE or (status in _WITH_RETRY_AFTER and headers.get("retry-after", "").isdigit())
    return Outcome.REFUSED if is_refusal else Outcome.FAILED


def reason(received: bytes) -> str:
    """The status of an answer, with the name of its error."""
    code = re.search(rb'"code":"(\w+)"', received)
    return received[9:12].decode("latin-1") + (f" {code[1].decode()}" if code else "")


def _is_right(turn: int, headers: dict[str, str], body: bytes) -> bool:
    try:
        predictions = json.loads(body)["predictions"]
    except (ValueError, KeyError):
        return False
    wanted = [[2.0 * number] for number in numbers(turn)]
    return bool(predictions == wanted and headers["x-request-id"] == f"turn-{turn}")
