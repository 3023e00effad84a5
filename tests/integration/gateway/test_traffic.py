"""Split, mirrored and watched traffic, over every protocol of one gateway in this process."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from fastapi import FastAPI

from serving.app import create_app
from serving.backend_protocol import Arrays, Target
from serving.backends.in_memory import InMemoryBackend, Run
from serving.backends.tensorflow_messages import message_module
from serving.contract.tensors import Array, Signature, TensorSpec
from serving.errors import BackendRejected
from serving.gateway import Gateway
from serving.grpc import inference_pb2 as inference
from serving.model_store.audit import read_audit
from serving.model_store.labels import read_labels, set_label
from serving.model_store.traffic import NO_TRAFFIC, Traffic, make_traffic, read_traffic, set_traffic
from serving.settings import Settings
from tests.doubles import doubles_manifest, publish_in_miniature
from tests.unit.serving.gateway_parts import Answer, answered, ask

SIGNATURE = Signature((TensorSpec("x", "float32", ()),), (TensorSpec("value", "float32", (1,)),))
STABLE, CANARY = 1, 2
HALVES = {"stable": 1, "canary": 1}
PREDICT, INFER = "/tensorflow.serving.PredictionService/Predict", "/inference.GRPCInferenceService/ModelInfer"
Predict = message_module("tensorflow_serving.apis.predict_pb2")
WITHIN_SECONDS = 30.0
"""Ten times what waiting for a poll takes, and more."""


def doubled(_: Target, inputs: Arrays) -> dict[str, Array]:
    return {"value": inputs["x"][:, None] * 2}


@dataclass
class Running:
    app: FastAPI
    gateway: Gateway
    models: Path
    channel: grpc.aio.Channel

    def traffic(self, traffic: Traffic) -> None:
        set_traffic(self.models, "doubles", traffic, by="test", reason="", now=datetime.now(UTC))

    async def split(self, traffic: Traffic) -> None:
        """And wait until the gateway has seen it."""
        self.traffic(traffic)
        await self.until(lambda: self.gateway.catalog.view.models["doubles"].traffic == traffic)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN_SECONDS):
            while not condition():  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0.001)

    async def rest(self, path: str = "/v1/models/doubles:predict", body: object = None, **headers: str) -> Answer:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        body = {"instances": [{"x": 1.5}]} if body is None else body
        return answered(await ask(self.app.state.front, path, body=body, headers=given))

    async def rest_version(self, **headers: str) -> int:
        answer = await self.rest(**headers)
        assert answer.status == 200, answer.body
        return int(answer.headers["x-model-version"])

    async def oip_version(self, **headers: str) -> int:
        body = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1], "data": [1.5]}]}
        answer = await self.rest("/v2/models/doubles/infer", body, **headers)
        assert answer.status == 200, answer.body
        return int(answer.headers["x-model-version"])

    async def grpc_version(self, **metadata: str) -> int:
        request = Predict.PredictRequest()
        request.model_spec.name = "doubles"
        tensor = request.inputs["x"]
        tensor.dtype = 1
        tensor.tensor_shape.dim.add(size=1)
        tensor.float_val.append(1.5)
        ask_one = self.channel.unary_unary(PREDICT, response_deserializer=Predict.PredictResponse.FromString)
        answer = await ask_one(request.SerializeToString(), metadata=tuple(_names(metadata).items()))
        return int(answer.model_spec.version.value)

    async def inference_version(self, **metadata: str) -> int:
        ask_one = self.channel.unary_unary(INFER, response_deserializer=inference.ModelInferResponse.FromString)
        answer = await ask_one(infer_request().SerializeToString(), metadata=tuple(_names(metadata).items()))
        return int(answer.model_version)

    async def stats(self) -> dict[str, Any]:
        answer = answered(await ask(self.app, "/v2/models/doubles/stats", method="GET"))
        found: dict[str, Any] = answer.json["traffic"]
        return found


def _names(metadata: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in metadata.items()}


def infer_request() -> Any:
    request = inference.ModelInferRequest(model_name="doubles")
    tensor = request.inputs.add(name="x", datatype="FP32", shape=[1])
    tensor.contents.fp32_contents.append(1.5)
    return request


@asynccontextmanager
async def running(tmp_path: Path, run: Run = doubled, **settings: Any) -> AsyncIterator[Running]:
    """Version 1 is stable and version 2 the canary; `run` answers for both."""
    models = tmp_path / "models"
    for version, label in ((STABLE, "stable"), (CANARY, "canary")):
        publish_in_miniature(models, doubles_manifest(version=version))
        set_label(models, "doubles", label, version, by="test", reason="", now=datetime.now(UTC))
    backend = InMemoryBackend({"doubles": {v: {"serving_default": SIGNATURE} for v in (STABLE, CANARY)}}, run)
    app = create_app(Settings(models=models, grpc_port=0, poll_seconds=0.01, **settings), backend=backend)
    gateway: Gateway = app.state.gateway
    async with app.router.lifespan_context(app):
        await gateway.started.wait()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{gateway.grpc.port}") as channel:
            yield Running(app, gateway, models, channel)


def in_loop(test: Callable[[Path], Coroutine[Any, Any, None]]) -> Callable[[Path], None]:
    def run(tmp_path: Path) -> None:
        asyncio.run(test(tmp_path))

    run.__name__ = test.__name__
    return run


PROTOCOLS = ("rest_version", "oip_version", "grpc_version", "inference_version")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_requests_that_name_no_version_are_split_by_weight(tmp_path: Path, protocol: str) -> None:
    async def work() -> None:
        async with running(tmp_path) as here:
            await here.split(Traffic(split={"stable": 3, "canary": 1}))
            counts = Counter([await getattr(here, protocol)() for _ in range(80)])
            assert counts[STABLE] == pytest.approx(60, abs=3)
            assert sum(counts.values()) == 80

    asyncio.run(work())


@in_loop
async def test_who_names_a_version_or_a_label_gets_it(tmp_path: Path) -> None:
    async with running(tmp_path) as here:
        await here.split(Traffic(split={"canary": 1}))
        assert await here.rest_version() == CANARY
        for path in ("/v1/models/doubles/versions/1:predict", "/v1/models/doubles/labels/stable:predict"):
            assert (await here.rest(path)).headers["x-model-version"] == str(STABLE)


@in_loop
async def test_a_user_stays_with_one_version_whatever_the_protocol(tmp_path: Path) -> None:
    async with running(tmp_path) as here:
        await here.split(Traffic(split=HALVES, sticky_by="X-User-Id"))
        chosen = {}
        for user in map(str, range(24)):
            asked = [await getattr(here, protocol)(x_user_id=user) for protocol in PROTOCOLS * 2]
            assert len(set(asked)) == 1
            chosen[user] = asked[0]
        assert set(chosen.values()) == {STABLE, CANARY}
        await here.split(Traffic(split={"stable": 1, "canary": 3}, sticky_by="x-user-id"))
        for user, before in chosen.items():
            assert await here.rest_version(x_user_id=user) in (before, CANARY)


@in_loop
async def test_a_stream_has_one_version(tmp_path: Path) -> None:
    async with running(tmp_path, max_queue_rows=64) as here:
        await here.split(Traffic(split=HALVES))
        rows = b'{"x": 1.5}\n' * 40
        streams = [await here.rest(body=rows, content_type="application/x-ndjson") for _ in range(6)]
        assert {stream.headers["x-model-version"] for stream in streams} == {"1", "2"}
        assert all(stream.body.count(b"\n") == 40 for stream in streams)
        per_stream = []
        for _ in range(12):
            ask_many = here.channel.stream_stream(
                "/inference.GRPCInferenceService/ModelStreamInfer",
                response_deserializer=inference.ModelStreamInferResponse.FromString,
            )
            answers = ask_many(iter([infer_request().SerializeToString()] * 8))
            per_stream.append({answer.infer_response.model_version async for answer in answers})
        assert all(len(versions) == 1 for versions in per_stream)
        assert set.union(*per_stream) == {"1", "2"}


@in_loop
async def test_a_split_half_written_by_somebody_else_leaves_the_last_good_one(tmp_path: Path) -> None:
    async with running(tmp_path) as here:
        await here.split(Traffic(split={"canary": 1}))
        (here.models / "doubles" / "traffic.json").write_text('{"split": {"stab')
        seen = here.gateway.catalog.view
        set_label(here.models, "doubles", "beta", STABLE, by="test", reason="", now=datetime.now(UTC))
        await here.until(lambda: here.gateway.catalog.view is not seen)
        assert await here.rest_version() == CANARY


def different_canary(target: Target, inputs: Arrays) -> dict[str, Array]:
    return {"value": inputs["x"][:, None] * (2 if target.version == STABLE else 3)}


@pytest.mark.parametrize(("run", "result"), [(doubled, "same"), (different_canary, "different")])
def test_a_shadow_is_compared_and_counted_and_never_answers(tmp_path: Path, run: Run, result: str) -> None:
    async def work() -> None:
        async with running(tmp_path, run) as here:
            await here.split(make_traffic({}, None, ("canary", 1.0)))
            answers = [(await here.rest()).json for _ in range(20)]
            assert answers == [{"predictions": [[3.0]]}] * 20
            shadows = here.gateway.predictor.junction
            assert shadows is not None
            await here.until(lambda: not shadows.shadows.in_flight)
            shadow = (await here.stats())["shadow"]
            assert shadow[result] + shadow["dropped"] == 20
            assert shadow["compared"] == shadow[result] > 0
            assert (shadow["version"], shadow["reason"]) == (CANARY, "")
            metrics = answered(await ask(here.app, "/metrics", method="GET")).body.decode()
            line = f'penstock_shadow_total{{model_name="doubles",model_version="2",result="{result}"}}'
            assert f"{line} {float(shadow[result])}" in metrics

    asyncio.run(work())


def failing_canary(target: Target, inputs: Arrays) -> dict[str, Array]:
    if target.version == CANARY:
        raise BackendRejected("this version cannot run it")
    return doubled(target, inputs)


def nan_canary(target: Target, inputs: Arrays) -> dict[str, Array]:
    return {"value": np.full((len(inputs["x"]), 1), np.nan if target.version == CANARY else 2.0, np.float32)}


@pytest.mark.parametrize("run", [failing_canary, different_canary, nan_canary])
def test_a_worse_canary_is_rolled_back_by_the_gateway_itself(tmp_path: Path, run: Run) -> None:
    async def work() -> None:
        async with running(tmp_path, run) as here:
            await here.split(Traffic(split=HALVES))
            await ask_until_only_stable_answers(here)
            await here.until(lambda: read_audit(here.models, "doubles")[-1].action == "rolled_back")
            assert read_labels(here.models, "doubles") == {"stable": STABLE}
            assert read_traffic(here.models, "doubles") == NO_TRAFFIC
            last = read_audit(here.models, "doubles")[-1]
            assert (last.action, last.label, last.by, last.previous_version) == (
                "rolled_back", "canary", "gateway", CANARY,
            )  # fmt: skip
            watch = (await here.stats())["watch"]["canary"]
            assert (watch["verdict"], watch["reason"]) == ("worse", last.reason)
            metrics = answered(await ask(here.app, "/metrics", method="GET")).body.decode()
            assert 'penstock_canary_rolled_back_total{model_name="doubles"} 1.0' in metrics

    asyncio.run(work())


async def ask_until_only_stable_answers(here: Running) -> None:
    junction = here.gateway.predictor.junction
    assert junction is not None
    async with asyncio.timeout(WITHIN_SECONDS):
        while not junction.spreads.is_withdrawn("doubles", CANARY):
            if "canary" not in here.gateway.catalog.view.models["doubles"].labels:
                break
            answer = await here.rest()
            assert answer.status == 200 or run_refuses(answer)
            assert answer.headers.get("x-model-version", "2") in ("1", "2")
    assert {(await here.rest()).headers["x-model-version"] for _ in range(20)} == {"1"}


def run_refuses(answer: Answer) -> bool:
    return "this version cannot run it" in answer.body.decode()


@in_loop
async def test_a_canary_in_a_directory_that_cannot_be_written_gets_no_more_traffic(tmp_path: Path) -> None:
    async with running(tmp_path, failing_canary) as here:
        await here.split(Traffic(split=HALVES))
        (here.models / "doubles" / ".lock").unlink()
        (here.models / "doubles" / ".lock").mkdir()  # nobody can lock it, whoever they are
        await ask_until_only_stable_answers(here)
        assert read_labels(here.models, "doubles") == {"stable": STABLE, "canary": CANARY}
        (here.models / "doubles" / ".lock").rmdir()
        await here.until(lambda: read_labels(here.models, "doubles") == {"stable": STABLE})


@in_loop
async def test_a_canary_like_stable_is_left_alone(tmp_path: Path) -> None:
    async with running(tmp_path) as here:
        await here.split(Traffic(split=HALVES))
        watcher = here.gateway.watcher
        await here.until(lambda: watcher.verdict("doubles") is not None)
        for number in range(240):
            await here.rest(body={"instances": [{"x": number / 10}]})
        await watcher.look()
        stats = await here.stats()
        assert stats["watch"]["canary"]["verdict"] == "fine"
        assert sum(stats["versions"][version]["requests"] for version in ("1", "2")) == 240
        assert stats["versions"]["2"]["latency_seconds"]["p50"] > 0
        assert sum(stats["versions"]["2"]["scores"]["value"]["counts"].values()) == pytest.approx(120, abs=3)
