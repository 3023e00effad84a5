"""Layers within the whole gateway: what a caller, the metrics and a new version see of a cache."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from serving.app import Gateway, create_app
from serving.backend_protocol import OnChange
from serving.backends.in_memory import InMemoryBackend
from serving.contract.manifest import Manifest
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
