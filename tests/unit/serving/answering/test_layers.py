"""Layers within the whole gateway: what a caller, the metrics and a new version see of a cache."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving.app import create_app
from serving.backend_protocol import Arrays, OnChange, Target
from serving.backends.in_memory import InMemoryBackend
from serving.contract.features import TensorFeature
from serving.contract.manifest import Manifest
from serving.contract.tensors import Array, Signature, TensorSpec
from serving.gateway import Gateway
from serving.model_settings import ModelSettings
from serving.settings import Settings
from tests.unit.serving.gateway_parts import LIVE, Answer, answered, ask, doubled

PREDICT, INFER = "/v1/models/doubles:predict", "/v2/models/doubles/infer"
CACHED = ModelSettings(cache_bytes=10_000)


@dataclass(slots=True)
class Retiring(InMemoryBackend):
    """Remembers whom to tell, so that a test may start it again with other models."""

    told: OnChange = field(init=False)

    async def start(self, on_change: OnChange) -> None:
        self.told = on_change
        await super(Retiring, self).start(on_change)


@dataclass(frozen=True)
class Running:
    app: Any
    backend: "Retiring"

    @property
    def gateway(self) -> Gateway:
        found: Gateway = self.app.state.gateway
        return found

    async def post(self, number: float, path: str = PREDICT) -> Answer:
        tensor = {"name": "x", "shape": [1], "datatype": "FP32", "data": [number]}
        body = {"inputs": [tensor]} if path == INFER else {"instances": [number]}
        return answered(await ask(self.app, path, body=body))

    async def scraped(self, name: str) -> list[str]:
        text = answered(await ask(self.app, "/metrics", method="GET")).body.decode()
        return [line for line in text.splitlines() if line.startswith(name)]


Start = Callable[[ModelSettings | None], Running]

TOKENS = TensorFeature(name="tokens", dtype="int64", shape=(None,), pad_value=0)
MASK = TensorFeature(name="own", shape=(None,), mask_of="tokens")
SEQUENCES = Signature(
    (TensorSpec("tokens", "int64", (None,)), TensorSpec("own", "float32", (None,))),
    (TensorSpec("sum", "float32", ()), TensorSpec("each", "float32", (None,))),
)


def summed(_: Target, inputs: Arrays) -> dict[str, Array]:
    """Each token plus one, and the sum of those that are a row's own."""
    each: Any = (inputs["tokens"] + 1).astype(np.float32)
    return {"sum": (each * inputs["own"]).sum(axis=1), "each": each}


@pytest.fixture
def running(tmp_path: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]) -> Start:
    for version in (1, 2):
        write_version(manifest_with(version=version))

    def start(settings: ModelSettings | None) -> Running:
        model = {} if settings is None else {"doubles": settings}
        backend = Retiring(LIVE, doubled)
        settings_of_all = Settings(models=tmp_path / "models", grpc_port=0, model=model)
        return Running(create_app(settings_of_all, backend=backend), backend)

    return start


def test_a_second_equal_request_is_a_hit_in_every_protocol(running: Start) -> None:
    async def test(here: Running) -> None:
        await here.backend.start(here.gateway.catalog.renew)
        first, second, other = await here.post(1), await here.post(1), await here.post(2)
        assert first.json == second.json == {"predictions": [[2.0]]}
        assert [answer.headers["server-timing"].split(", ")[-1] for answer in (first, second, other)] == [
            'cache;desc="miss"', 'cache;desc="hit"', 'cache;desc="miss"'
        ]  # fmt: skip
        assert (await here.post(1, INFER)).json["parameters"]["cache"] == "hit"
        assert here.backend.calls == 2
        assert await here.scraped("penstock_cache_requests_total") == [
            f'penstock_cache_requests_total{{model_name="doubles",outcome="{outcome}"}} {count}'
            for outcome, count in (("hit", 2.0), ("shared", 0.0), ("miss", 2.0))
        ]
        (kept,) = await here.scraped("penstock_cache_bytes")
        assert float(kept.split()[1]) == here.gateway.layers.caches["doubles"].cache.nbytes > 0

    asyncio.run(test(running(CACHED)))


@pytest.mark.parametrize("settings", [None, ModelSettings()])
def test_without_the_setting_every_request_is_computed(running: Start, settings: ModelSettings | None) -> None:
    async def test(here: Running) -> None:
        await here.backend.start(here.gateway.catalog.renew)
        answers = [await here.post(1), await here.post(1)]
        assert here.backend.calls == 2
        assert not any("cache" in answer.headers["server-timing"] for answer in answers)

    asyncio.run(test(running(settings)))


def test_equal_requests_at_once_are_one_call(running: Start) -> None:
    async def test(here: Running) -> None:
        await here.backend.start(here.gateway.catalog.renew)
        answers = await asyncio.gather(*(here.post(1) for _ in range(5)))
        assert {answer.body for answer in answers} == {b'{"predictions":[[2.0]]}'}
        assert here.backend.calls == 1
        assert sorted(here.gateway.layers.caches["doubles"].outcomes.values()) == [1, 4]

    asyncio.run(test(running(CACHED)))


def test_a_version_that_goes_takes_its_answers_along(running: Start) -> None:
    async def test(here: Running) -> None:
        await here.backend.start(here.gateway.catalog.renew)
        for version in (1, 2):
            await here.post(1, f"/v1/models/doubles/versions/{version}:predict")
        cache = here.gateway.layers.caches["doubles"].cache
        assert len(cache) == 2
        here.gateway.layers.follow({"doubles": {2: None}})
        assert len(cache) == 1
        assert 'cache;desc="hit"' in (await here.post(1)).headers["server-timing"]
        here.gateway.layers.follow({})
        assert (len(cache), cache.nbytes) == (0, 0)

    asyncio.run(test(running(CACHED)))


def test_the_gateway_follows_what_its_backend_has(running: Start) -> None:
    async def test(here: Running) -> None:
        async with here.app.router.lifespan_context(here.app):
            await here.gateway.started.wait()
            await here.post(1)
            cache = here.gateway.layers.caches["doubles"].cache
            assert len(cache) == 1
            here.backend.models = {}
            await here.backend.start(here.backend.told)
            assert len(cache) == 0

    asyncio.run(test(running(CACHED)))


@pytest.fixture
def sequences(
    tmp_path: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]
) -> Callable[..., Running]:
    """A model `doubles` of token sequences; keywords are its settings."""
    write_version(manifest_with(features=(TOKENS, MASK), signatures={"serving_default": SEQUENCES}))

    def start(**model: Any) -> Running:
        backend = Retiring({"doubles": {1: {"serving_default": SEQUENCES}}}, summed)
        settings = Settings(models=tmp_path / "models", grpc_port=0, max_queue_bytes=10_000,
                            model={"doubles": ModelSettings(**model)})  # fmt: skip
        return Running(create_app(settings, backend=backend), backend)

    return start


async def asked(here: Running, *rows: list[int], form: str = "instances") -> Answer:
    body = {"instances": rows, "inputs": {"tokens": rows}}
    return answered(await ask(here.app, PREDICT, body={form: body[form]}))


def test_requests_of_different_lengths_share_a_batch_and_keep_their_own(sequences: Callable[..., Running]) -> None:
    async def test(here: Running) -> None:
        await here.backend.start(here.gateway.catalog.renew)
        answers = await asyncio.gather(*(asked(here, [1] * length) for length in (3, 4, 5)))
        assert [answer.json["predictions"] for answer in answers] == [
            [{"sum": 2.0 * length, "each": [2.0] * length}] for length in (3, 4, 5)
        ]
        batches = [answer.headers["server-timing"].split(", ")[-1] for answer in answers]
        assert batches == ['batch;desc="2 rows"'] * 2 + ['batch;desc="1 rows"']
        assert here.backend.calls == 2
        assert await here.scraped("penstock_length_padding_values_total") == [
            'penstock_length_padding_values_total{model_name="doubles"} 4.0'
        ]

    asyncio.run(test(sequences()))


def test_lengths_may_be_set(sequences: Callable[..., Running]) -> None:
    async def test(here: Running) -> None:
        await here.backend.start(here.gateway.catalog.renew)
        await asyncio.gather(*(asked(here, [1] * length) for length in (1, 2, 3, 4, 5)))
        assert here.backend.calls == 1

    asyncio.run(test(sequences(lengths=(6,))))


@pytest.mark.parametrize("form", ["instances", "inputs"])
def test_rows_of_one_request_may_differ_in_length(sequences: Callable[..., Running], form: str) -> None:
    async def test(here: Running) -> None:
        await here.backend.start(here.gateway.catalog.renew)
        answer = (await asked(here, [1], [1, 2, 3], form=form)).json
        found = answer["predictions"] if form == "instances" else None
        if found is None:
            assert answer["outputs"] == {"sum": [2.0, 9.0], "each": [[2.0, 1.0, 1.0], [2.0, 3.0, 4.0]]}
        else:
            assert found == [{"sum": 2.0, "each": [2.0, 1.0, 1.0]}, {"sum": 9.0, "each": [2.0, 3.0, 4.0]}]

    asyncio.run(test(sequences()))


def test_one_long_row_cannot_make_many_of_them_huge(sequences: Callable[..., Running]) -> None:
    async def test(here: Running) -> None:
        await here.backend.start(here.gateway.catalog.renew)
        refused = await asked(here, *[[1]] * 50, [1] * 50)
        assert (refused.status, refused.json["code"]) == (413, "PayloadTooLarge")

    asyncio.run(test(sequences()))


def test_the_mask_is_no_callers_to_send(sequences: Callable[..., Running]) -> None:
    async def test(here: Running) -> None:
        await here.backend.start(here.gateway.catalog.renew)
        refused = answered(await ask(here.app, PREDICT, body={"inputs": {"tokens": [[1]], "own": [[1]]}}))
        assert (refused.status, refused.json["field"]) == (400, "/inputs/own")

    asyncio.run(test(sequences()))


def test_a_cache_tells_lengths_apart_and_finds_them_again(sequences: Callable[..., Running]) -> None:
    async def test(here: Running) -> None:
        await here.backend.start(here.gateway.catalog.renew)
        await asked(here, [1, 2, 0])
        longer, again = await asked(here, [1, 2, 0, 0]), await asked(here, [1, 2, 0])
        assert [len(answer.json["predictions"][0]["each"]) for answer in (longer, again)] == [4, 3]
        outcomes = [answer.headers["server-timing"].split(", ")[-1] for answer in (longer, again)]
        assert outcomes == ['cache;desc="miss"', 'cache;desc="hit"']
        assert here.gateway.layers.padding_values["doubles"] == 1

    asyncio.run(test(sequences(cache_bytes=10_000)))
