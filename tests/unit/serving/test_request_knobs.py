"""Priority and deadline, from every protocol's own place for them to the batcher's queue."""

import asyncio
import math
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from serving.app import create_app
from serving.backend_protocol import Arrays, Target
from serving.backends.in_memory import InMemoryBackend
from serving.backends.tensorflow_messages import message_module
from serving.batching.admission import QueueLimits
from serving.batching.events import Action, Lane, Submission
from serving.batching.policy import BatchingCore
from serving.contract.manifest import Manifest
from serving.contract.tensors import Array, Signature, TensorSpec
from serving.gateway import Gateway
from serving.grpc import inference_pb2
from serving.model_settings import ModelSettings
from serving.preprocessing.npy import write_npy
from serving.settings import Settings
from tests.unit.serving.gateway_parts import SIGNATURE, answered, ask

CLASSIFY = Signature(
    (TensorSpec("inputs", "string", ()),),
    (TensorSpec("classes", "string", (1,)), TensorSpec("scores", "float32", (1,))),
)
SIGNATURES = {"serving_default": SIGNATURE, "classify": CLASSIFY}
LIMIT_SECONDS = 30.0
"""What a request that says nothing may take, by the settings."""
SAID = {"x-priority": "high", "x-request-timeout-ms": "20000"}
Knobs = Mapping[str, str]


class RecordingCore(BatchingCore):
    """A core that remembers what it was asked to queue, and how long each had left then."""

    def __init__(self) -> None:
        super().__init__(max_batch_rows=4, slots=1, limits=QueueLimits(8, 10_000))
        self.queued: list[tuple[Submission, float]] = []

    def submit(self, submission: Submission, now: float) -> list[Action]:
        self.queued.append((submission, submission.deadline_seconds - now))
        return super().submit(submission, now)


def run(target: Target, inputs: Arrays) -> dict[str, Array]:
    if target.signature == "classify":
        ones: Array = np.full((len(inputs["inputs"]), 1), b"one", object)
        return {"classes": ones, "scores": np.ones(ones.shape, np.float32)}
    return {"value": inputs["x"][:, None] * 2}


Way = Callable[[Gateway, Any, Knobs, dict[str, Any]], Coroutine[Any, Any, None]]


def rest(path: str, body: Any, content_type: str = "application/json") -> Way:
    async def post(_: Gateway, app: Any, knobs: Knobs, parameters: dict[str, Any]) -> None:
        sent = {**body, "parameters": parameters} if parameters else body
        answer = answered(await ask(app, path, body=sent, headers={"content-type": content_type, **knobs}))
        assert answer.status == 200, answer.body

    return post


def over_grpc(method: str, request: Any) -> Way:
    async def call(gateway: Gateway, _: Any, knobs: Knobs, parameters: dict[str, Any]) -> None:
        message = type(request).FromString(request.SerializeToString())
        for name, value in parameters.items():
            message.parameters[name].int64_param = value
        await gateway.grpc.start()
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{gateway.grpc.port}") as channel:
                serialize = type(message).SerializeToString
                kind = channel.stream_stream if "Stream" in method else channel.unary_unary
                options: dict[str, Any] = {"metadata": tuple(pair for pair in knobs.items() if pair[0] != "deadline")}
                if "deadline" in knobs:
                    options["timeout"] = float(knobs["deadline"])
                if "Stream" in method:
                    answers = [each async for each in kind(method, serialize, bytes)(iter([message]), **options)]
                    assert len(answers) == 1
                else:
                    await kind(method, serialize, bytes)(message, **options)
        finally:
            await gateway.grpc.stop()

    return call


def predict() -> Any:
    request = message_module("tensorflow_serving.apis.predict_pb2").PredictRequest(model_spec={"name": "doubles"})
    request.inputs["x"].dtype = 1
    request.inputs["x"].tensor_shape.dim.add(size=1)
    request.inputs["x"].float_val.append(1.0)
    return request


def classify() -> Any:
    module = message_module("tensorflow_serving.apis.classification_pb2")
    request = module.ClassificationRequest(model_spec={"name": "doubles"})
    request.input.example_list.examples.add().features.feature["x"].float_list.value.append(1.0)
    return request


def infer() -> Any:
    one = {"name": "x", "shape": [1], "datatype": "FP32", "contents": {"fp32_contents": [1.0]}}
    return inference_pb2.ModelInferRequest(model_name="doubles", inputs=[one])


V1, V2 = "/v1/models/doubles:predict", "/v2/models/doubles/infer"
TENSOR = {"name": "x", "shape": [1], "datatype": "FP32", "data": [1]}
TFS, OIP = "/tensorflow.serving.PredictionService/", "/inference.GRPCInferenceService/"
OIP_WAYS: dict[str, Way] = {
    "rest_v2": rest(V2, {"inputs": [TENSOR]}),
    "grpc_v2": over_grpc(OIP + "ModelInfer", infer()),
    "grpc_v2 stream": over_grpc(OIP + "ModelStreamInfer", infer()),
}
WAYS: dict[str, Way] = {
    "json": rest(V1, {"instances": [1]}),
    "npy": rest(V1, write_npy(np.ones(1)), "application/x-npy"),
    "csv": rest(V1, b"x\n1\n", "text/csv"),
    "classify": rest("/v1/models/doubles:classify", {"examples": [{"x": 1}]}),
    "grpc_tfs": over_grpc(TFS + "Predict", predict()),
    "grpc_tfs classify": over_grpc(TFS + "Classify", classify()),
    **OIP_WAYS,
}


@dataclass(frozen=True)
class Desk:
    """Asks once and says what was queued."""

    models: Path

    settings: Mapping[str, ModelSettings]

    async def queued(self, way: Way, knobs: Knobs, parameters: dict[str, Any]) -> tuple[Submission, float]:
        backend = InMemoryBackend({"doubles": {1: SIGNATURES}}, run)
        settings = Settings(models=self.models, grpc_port=0, request_timeout_seconds=LIMIT_SECONDS, model=self.settings)
        app = create_app(settings, backend=backend)
        gateway: Gateway = app.state.gateway
        gateway.batcher.core = core = RecordingCore()
        await backend.start(gateway.catalog.renew)
        await way(gateway, app, knobs, parameters)
        ((submission, left),) = core.queued
        return submission, left

    def of(self, way: Way, knobs: Knobs, **parameters: Any) -> tuple[Lane, int]:
        """The lane, and the seconds that were left, rounded up to ten: they began a moment before."""
        submission, left = asyncio.run(self.queued(way, knobs, parameters))
        return submission.lane, math.ceil(left / 10) * 10


@pytest.fixture
def desk(tmp_path: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]) -> Desk:
    write_version(manifest_with(signatures=SIGNATURES))
    return Desk(tmp_path / "models", {})


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_who_says_nothing_waits_with_everybody_as_long_as_the_settings_let_it(desk: Desk, way: Way) -> None:
    assert desk.of(way, {}) == (Lane.NORMAL, LIMIT_SECONDS)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_headers_and_metadata_reach_the_queue(desk: Desk, way: Way) -> None:
    assert desk.of(way, SAID) == (Lane.HIGH, 20)


@pytest.mark.parametrize("way", OIP_WAYS.values(), ids=OIP_WAYS)
def test_the_open_inference_protocols_own_parameters_reach_the_queue(desk: Desk, way: Way) -> None:
    assert desk.of(way, {}, priority=3, timeout=10_000_000) == (Lane.BATCH, 10)


@pytest.mark.parametrize("way", OIP_WAYS.values(), ids=OIP_WAYS)
def test_a_level_in_the_body_wins_over_the_header_and_the_shorter_time_counts(desk: Desk, way: Way) -> None:
    assert desk.of(way, SAID, priority=2, timeout=25_000_000) == (Lane.NORMAL, 20)
    assert desk.of(way, SAID, priority=0, timeout=0) == (Lane.HIGH, 20)


@pytest.mark.parametrize("name", [name for name in WAYS if name.startswith("grpc")])
def test_grpcs_own_deadline_reaches_the_queue(desk: Desk, name: str) -> None:
    assert desk.of(WAYS[name], {"deadline": "19.5"}) == (Lane.NORMAL, 20)
    assert desk.of(WAYS[name], {**SAID, "deadline": "1000"}) == (Lane.HIGH, 20)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_models_own_settings_stand_in_for_what_a_request_does_not_say(desk: Desk, way: Way) -> None:
    model = ModelSettings(default_priority="batch", request_timeout_seconds=50.0, max_batch_rows=3)
    own = replace(desk, settings={"doubles": model})
    submission, left = asyncio.run(own.queued(way, {}, {}))
    assert (submission.lane, math.ceil(left / 10) * 10, submission.key.rules.max_rows) == (Lane.BATCH, 50, 3)
    assert own.of(way, SAID) == (Lane.HIGH, 20)
    others = replace(desk, settings={"other": model})
    assert others.of(way, {}) == (Lane.NORMAL, LIMIT_SECONDS)
