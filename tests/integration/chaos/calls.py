"""What the storms ask over gRPC, and what a right answer or a refusal is there. Pure.

Calls of the Open Inference Protocol tell the gateway their deadline as metadata alone, so that nobody but the gateway
ends them; those of TensorFlow Serving's service have gRPC's own deadline, as its clients do, which ends them here too.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from grpc import StatusCode

from loadtests.payloads import PREDICT_METHOD
from loadtests.wire import WireRequest
from serving.backends.tensorflow_messages import message_module
from serving.grpc import inference_pb2 as inference
from serving.grpc.tensor_values import fill_tensor
from tests.integration.chaos.questions import DEADLINE_SECONDS, TURNS, Outcome, Protocol, numbers

INFER_METHOD = "/inference.GRPCInferenceService/ModelInfer"
FIRST_TURNS: Mapping[Protocol, int] = {Protocol.OIP: TURNS, Protocol.TFS: 2 * TURNS}
"""After those of REST, so that no two protocols have the same numbers."""
_PASSING = (StatusCode.UNAVAILABLE, StatusCode.RESOURCE_EXHAUSTED)
_RETRY_INFO = b"google.rpc.RetryInfo"


@dataclass(frozen=True, slots=True)
class Said:
    """How a call ended: its status, the answer's bytes, the trailing metadata, and how long it took."""

    code: StatusCode
    content: bytes
    metadata: Mapping[str, str | bytes]
    seconds: float


@dataclass(frozen=True, slots=True)
class Manner:
    """How a protocol asks."""

    protocol: Protocol
    questions: tuple[WireRequest, ...]
    deadline_seconds: float | None
    """gRPC's own; None: the gateway alone is told."""

    def turn(self, number: int) -> int:
        return FIRST_TURNS[self.protocol] + number % TURNS

    def metadata(self, number: int) -> tuple[tuple[str, str], ...]:
        named = ("x-request-id", f"turn-{self.turn(number)}")
        return (named,) if self.deadline_seconds else (named, ("x-request-timeout-ms", str(DEADLINE_SECONDS * 1e3)))

    def judged(self, number: int, said: Said) -> Outcome:
        if said.code is StatusCode.OK:
            return Outcome.ANSWERED if self._is_right(self.turn(number), said) else Outcome.WRONG
        told = "x-error-code" in said.metadata
        if said.code is StatusCode.DEADLINE_EXCEEDED:
            is_due = self.deadline_seconds is not None and said.seconds >= self.deadline_seconds
            return Outcome.REFUSED if told or is_due else Outcome.FAILED
        details = said.metadata.get("grpc-status-details-bin", b"")
        is_refusal = said.code in _PASSING and told and isinstance(details, bytes) and _RETRY_INFO in details
        return Outcome.REFUSED if is_refusal else Outcome.FAILED

    def _is_right(self, turn: int, said: Said) -> bool:
        read = _inferred if self.protocol is Protocol.OIP else _predicted
        try:
            values = read(said.content)
        except DecodeError:
            return False
        wanted = [2.0 * number for number in numbers(turn)]
        return values == wanted and said.metadata.get("x-request-id") == f"turn-{turn}"


def reason_of(said: Said) -> str:
    """The status, with the name of its error."""
    name = said.metadata.get("x-error-code")
    return f"{said.code.name} {name}" if isinstance(name, str) else said.code.name


@functools.cache
def manners() -> tuple[Manner, ...]:
    """TensorFlow's messages are looked for when they are needed."""
    turns = {protocol: range(first, first + TURNS) for protocol, first in FIRST_TURNS.items()}
    inferring = tuple(WireRequest(_infer(turn), INFER_METHOD) for turn in turns[Protocol.OIP])
    predicting = tuple(WireRequest(_predict(turn), PREDICT_METHOD) for turn in turns[Protocol.TFS])
    return Manner(Protocol.OIP, inferring, None), Manner(Protocol.TFS, predicting, DEADLINE_SECONDS)


def _infer(turn: int) -> bytes:
    request = inference.ModelInferRequest(model_name="doubles")
    x = numbers(turn)
    request.inputs.add(name="x", datatype="FP32", shape=[len(x)]).contents.fp32_contents.extend(x)
    return bytes(request.SerializeToString())


def _inferred(content: bytes) -> list[float]:
    answer = inference.ModelInferResponse.FromString(content)
    return [float(value) for output in answer.outputs for value in output.contents.fp32_contents]


def _predict(turn: int) -> bytes:
    request = _predict_messages().PredictRequest()
    request.model_spec.name = "doubles"
    fill_tensor(request.inputs["x"], np.array(numbers(turn), np.float32), as_content=turn % 2 == 0)
    return bytes(request.SerializeToString())


def _predicted(content: bytes) -> list[float]:
    answer = _predict_messages().PredictResponse.FromString(content)
    return [float(value) for name in answer.outputs for value in answer.outputs[name].float_val]


def _predict_messages() -> Any:
    return message_module("tensorflow_serving.apis.predict_pb2")
