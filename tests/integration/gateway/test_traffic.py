"""Split, mirrored and watched traffic, over every protocol of one gateway in this process."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from serving.backend_protocol import Arrays, Target
from serving.backends.in_memory import Run
from serving.contract.tensors import Array
from serving.errors import BackendRejected
from serving.grpc import inference_pb2 as inference
from serving.model_store.audit import read_audit
from serving.model_store.labels import read_labels, set_label
from serving.model_store.traffic import NO_TRAFFIC, Traffic, make_traffic, read_traffic
from tests.integration.gateway.two_versions import (
    CANARY,
    STABLE,
    WITHIN_SECONDS,
    Running,
    doubled,
    in_loop,
    infer_request,
    running,
)
from tests.unit.serving.gateway_parts import Answer, answered, ask

HALVES = {"stable": 1, "canary": 1}


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
async def test_a_split_changes_nothing_of_what_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as here:
        await here.split(Traffic(split=HALVES))
        asked = {"signature_name": "nope", "instances": [{"x": 1.5}]}
        for body, status in ((asked, 400), ({"instances": [{"y": 1.5}]}, 400), ({"instances": []}, 400)):
            assert (await here.rest(body=body)).status == status
        assert sum(version["refused"] for version in (await here.stats())["versions"].values()) == 2


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
        for number in range(300):
            await here.rest(body={"instances": [{"x": number / 10}]})
        await watcher.look()  # or the watcher's own, at 119 requests or more: then there were enough
        stats = await here.stats()
        assert stats["watch"]["canary"]["verdict"] == "fine"
        assert sum(stats["versions"][version]["requests"] for version in ("1", "2")) == 300
        assert stats["versions"]["2"]["latency_seconds"]["p50"] > 0
        assert sum(stats["versions"]["2"]["scores"]["value"]["counts"].values()) == pytest.approx(150, abs=4)
