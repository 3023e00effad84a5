"""ModelInfer, alone and as a stream: the Open Inference Protocol's question to `serving/predict.py` and back."""

import asyncio
import functools
import re
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from grpc import StatusCode

from serving.access.caller import Verb
from serving.batching.events import Lane
from serving.batching.lane_names import lane_of_level
from serving.catalog import ModelReference
from serving.contract.agreement import DEFAULT_SIGNATURE
from serving.contract.features import Feature
from serving.contract.tensors import Array
from serving.errors import InvalidInput, PenstockError
from serving.grpc import inference_pb2 as messages
from serving.grpc.call_head import CallHead, read_head
from serving.grpc.calls import TOGETHER_BYTES, Call, Calls, Context
from serving.grpc.error_status import error_message
from serving.grpc.inference_tensors import array_of, fill_contents, fill_output, has_contents, raw_of
from serving.grpc.named_arrays import chosen_outputs, decode_named
from serving.predict import Predictor
from serving.prediction import Prediction, PredictRequest
from serving.preprocessing.arrays import pointer_token

PROTOCOL = "grpc_v2"
INLINE_BYTES = 256 * 1024
SMALLEST_IMAGE_BYTES = 57
STREAM_REQUESTS = 64
"""Requests of one stream under way at once: enough to fill a batch, few enough that a flood waits in the socket."""
_VERSION = re.compile(r"[0-9]{1,18}")
_REFUSED_PARAMETERS = ("classification", "shared_memory_region")


def reference_of(model: str, version: str) -> ModelReference:
    """An empty version names none; one that is no number is a label."""
    if not version:
        return ModelReference(model)
    return ModelReference(model, int(version)) if _VERSION.fullmatch(version) else ModelReference(model, label=version)


@dataclass(frozen=True, slots=True)
class InferenceCalls:
    predictor: Predictor
    calls: Calls

    async def infer(self, request: Any, call: Call) -> Any:
        if not request.model_name:
            raise InvalidInput("no model is named", pointer="/model_name")
        self.calls.named(call, request.model_name)
        _check_parameters(request)
        if (micros := _micros(request.parameters)) is not None:
            call.deadline_seconds = min(call.deadline_seconds, call.started_seconds + micros / 1e6)
        decode = functools.partial(decode_inputs, request.inputs, request.raw_input_contents)
        asked = PredictRequest(
            reference_of(request.model_name, request.model_version),
            DEFAULT_SIGNATURE,
            decode,
            is_dear(request),
            call.deadline_seconds,
            lane=_lane(request.parameters, call),
            tenant=call.caller,
            asker=call,
            charge=call.charge,
        )
        prediction = await self.predictor.predict(asked)
        call.answered_by(prediction, DEFAULT_SIGNATURE)
        started = self.calls.clock()
        answer = _answer(request, prediction)
        call.encode_seconds = self.calls.clock() - started
        return answer

    async def stream(self, requests: AsyncIterator[Any], context: Context) -> None:
        """One answer a request, in their order, while later ones are already under way. What is wrong with one is said
        in its `error_message` and ends nothing else. The stream's own deadline is each request's.
        """
        visitor = await self.calls.opening(PROTOCOL, Verb.PREDICT, context)
        given, together = context.invocation_metadata() or (), secrets.token_bytes(TOGETHER_BYTES)
        head = read_head(given)
        ahead: asyncio.Queue[asyncio.Task[Any] | None] = asyncio.Queue(STREAM_REQUESTS)
        running: set[asyncio.Task[Any]] = set()

        async def read() -> None:
            try:
                async for request in requests:
                    call = self.calls.begun(head.request_id)
                    call.given, call.together, call.visitor = given, together, visitor
                    task = asyncio.create_task(self._streamed(request, call, head, context))
                    running.add(task)
                    task.add_done_callback(running.discard)
                    await ahead.put(task)
            finally:
                await ahead.put(None)

        reading = asyncio.create_task(read())
        try:
            while (task := await ahead.get()) is not None:
                await context.write(await task)
        finally:
            for each in (reading, *running):
                each.cancel()

    async def _streamed(self, request: Any, call: Call, head: CallHead, context: Context) -> Any:
        try:
            self.calls.limit(call, head, context)
            with nullcontext() if call.visitor is None else call.visitor.visit(Verb.PREDICT, request.model_name):
                answer = await self.infer(request, call)
        except asyncio.CancelledError:
            self.calls.finished(PROTOCOL, call, StatusCode.CANCELLED)
            raise
        except Exception as failure:  # noqa: BLE001 - the outermost frame of a request
            error = self.calls.foreseen(failure, call)
            self.calls.refused(PROTOCOL, call, error)
            return _stream_error(request, error, call)
        self.calls.finished(PROTOCOL, call, StatusCode.OK)
        answer.parameters["triton_final_response"].bool_param = True
        return messages.ModelStreamInferResponse(infer_response=answer)


def decode_inputs(inputs: Sequence[Any], raw: Sequence[bytes], features: Sequence[Feature]) -> dict[str, Array]:
    """A request's tensors to the arrays a version takes. Raises InvalidInput's family, pointers under /inputs."""
    if raw and len(raw) != len(inputs):
        raise InvalidInput(
            f"{len(raw)} raw contents for {len(inputs)} inputs; all inputs are raw or none is",
            pointer="/raw_input_contents",
        )
    arrays: dict[str, Array] = {}
    pointers: dict[str, str] = {}
    for index, tensor in enumerate(inputs):
        name = tensor.name
        pointers[name] = pointer = f"/inputs/{pointer_token(name[:64])}"
        if name in arrays:
            raise InvalidInput("the input comes twice", pointer=pointer)
        arrays[name] = array_of(tensor, raw[index] if raw else None, pointer)
    return decode_named(arrays, features, pointers)


def is_dear(request: Any) -> bool:
    """Whether decoding may take longer than the event loop should stand still: large, or strings that may be images."""
    if request.raw_input_contents:
        sizes = [len(raw) for raw in request.raw_input_contents]
    else:
        sizes = [tensor.ByteSize() for tensor in request.inputs]
    if sum(sizes) > INLINE_BYTES:
        return True
    kinds = [tensor.datatype for tensor in request.inputs]
    return any(kind == "BYTES" and size >= SMALLEST_IMAGE_BYTES for kind, size in zip(kinds, sizes, strict=False))


def _check_parameters(request: Any) -> None:
    """What would change the answer and is not done here is refused, not overlooked."""
    for kind, tensors in (("inputs", request.inputs), ("outputs", request.outputs)):
        for index, tensor in enumerate(tensors):
            for name in _REFUSED_PARAMETERS:
                if name in tensor.parameters:
                    raise InvalidInput(
                        f"the parameter {name} is not served here", pointer=f"/{kind}/{index}/parameters/{name}"
                    )


def _micros(parameters: Mapping[str, Any]) -> float | None:
    """`timeout`, in microseconds; 0 is Triton's none."""
    if "timeout" not in parameters:
        return None
    given = parameters["timeout"]
    value = getattr(given, given.WhichOneof("parameter_choice") or "string_param")
    try:
        micros = float(value)
    except ValueError:
        micros = -1.0
    if not micros >= 0:
        raise InvalidInput("timeout is not a number of microseconds", pointer="/parameters/timeout")
    return micros or None


def _lane(parameters: Mapping[str, Any], call: Call) -> Lane | None:
    """`priority` where it says one, else what the metadata say."""
    if "priority" not in parameters:
        return call.lane
    given = parameters["priority"]
    level = getattr(given, given.WhichOneof("parameter_choice") or "string_param")
    lane = lane_of_level(level)
    return call.lane if lane is None else lane


def _answer(request: Any, prediction: Prediction) -> Any:
    """Raw where the request was raw, typed contents where it was typed, as the other servers do it."""
    servable = prediction.servable
    pointers = [f"/outputs/{index}/name" for index in range(len(request.outputs))]
    specs = servable.signatures[DEFAULT_SIGNATURE].outputs
    names = chosen_outputs(specs, [output.name for output in request.outputs], pointers)
    answer = messages.ModelInferResponse(model_name=servable.model, model_version=str(servable.version), id=request.id)
    raw = bool(request.raw_input_contents) or not all(has_contents(prediction.outputs[name]) for name in names)
    for name in names:
        array, tensor = prediction.outputs[name], answer.outputs.add(name=name)
        fill_output(tensor, array)
        if raw:
            answer.raw_output_contents.append(raw_of(array))
        else:
            fill_contents(tensor, array)
    return answer


def _stream_error(request: Any, error: PenstockError, call: Call) -> Any:
    answer = messages.ModelInferResponse(model_name=request.model_name, id=request.id)
    answer.parameters["x-request-id"].string_param = call.request_id
    answer.parameters["x-error-code"].string_param = type(error).__name__
    answer.parameters["triton_final_response"].bool_param = True
    return messages.ModelStreamInferResponse(error_message=error_message(error), infer_response=answer)
