"""What a gateway keeps of a version that has gone: its figures for a while, and then nothing that a scrape asks for."""

import gc
import shutil
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from serving.backends.in_memory import InMemoryBackend
from serving.model_store.labels import set_label
from serving.observability.cells import REST_SECONDS
from serving.observability.departed import KEPT_SECONDS, SHOWN_SECONDS
from tests.doubles import doubles_manifest, publish_in_miniature
from tests.integration.gateway.two_versions import CANARY, SIGNATURE, STABLE, Running, in_loop, running
from tests.unit.serving.gateway_parts import answered, ask

ROUND_VERSIONS = 100
"""As many as the timers that asyncio keeps although they were cancelled, which come and go, with what they hold."""


@dataclass
class Clock:
    """That of a gateway for which hours pass at once."""

    ahead_seconds: float = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead_seconds


async def only(here: Running, version: int) -> None:
    """The model has this version alone from now on."""
    backend = here.gateway.backend
    assert isinstance(backend, InMemoryBackend)
    backend.models = {"doubles": {version: {"serving_default": SIGNATURE}}}
    await backend.start(here.gateway.catalog.renew)


def shown(here: Running) -> set[int]:
    """The versions of which a scrape tells what was learned."""
    families = [family for family in here.gateway.gauges() if family.name == "penstock_batch_limit_rows"]
    return {int(sample.labels["model_version"]) for family in families for sample in family.samples}


@in_loop
async def test_what_was_learned_of_a_version_is_told_for_a_while_after_it_has_gone_and_then_forgotten(
    tmp_path: Path,
) -> None:
    clock = Clock()
    async with running(tmp_path, clock=clock) as here:
        for version in (STABLE, CANARY):
            assert (await here.rest(f"/v1/models/doubles/versions/{version}:predict")).status == 200
        await only(here, STABLE)
        assert CANARY not in here.gateway.catalog.view.models["doubles"].servables
        assert shown(here) == {STABLE, CANARY}
        clock.ahead_seconds = SHOWN_SECONDS
        await here.until(lambda: shown(here) == {STABLE})
        assert here.gateway.metrics.versions() == {("doubles", str(STABLE)), ("doubles", str(CANARY))}
        clock.ahead_seconds += KEPT_SECONDS
        await here.until(lambda: here.gateway.metrics.versions() == {("doubles", str(STABLE))})
        assert await requests_answered(here) == 2


@in_loop
async def test_versions_that_come_and_go_leave_nothing_behind(tmp_path: Path) -> None:
    """Of no kind of object is there one more for each."""
    clock, objects = Clock(), list[Counter[type]]()
    async with running(tmp_path, clock=clock) as here:
        for number in range(3 * ROUND_VERSIONS):
            await published(here, CANARY + 1 + number)
            assert await here.rest_version() == CANARY + 1 + number
            if number % ROUND_VERSIONS == ROUND_VERSIONS - 1:
                await hours_passed(here, clock, CANARY + 1 + number)
                gc.collect()
                objects.append(Counter(map(type, gc.get_objects())))
    assert not {kind: more for kind, more in (objects[2] - objects[0]).items() if more > 1.5 * ROUND_VERSIONS}


async def published(here: Running, version: int) -> None:
    """In the place of the one before it."""
    publish_in_miniature(here.models, doubles_manifest(version=version))
    set_label(here.models, "doubles", "stable", version, by="test", reason="", now=datetime.now(UTC))
    await only(here, version)
    for old in range(version - 2, version):
        shutil.rmtree(here.models / "doubles" / str(old), ignore_errors=True)


async def hours_passed(here: Running, clock: Clock, version: int) -> None:
    """Until only this version is known."""
    clock.ahead_seconds += SHOWN_SECONDS
    await here.until(lambda: shown(here) == {version})
    clock.ahead_seconds += KEPT_SECONDS
    await here.until(lambda: here.gateway.metrics.versions() == {("doubles", str(version))})
    clock.ahead_seconds += REST_SECONDS
    here.gateway.metrics.forget(set(), clock())  # as the next poll would: what was freed rests no more
    answered(await ask(here.app, "/metrics", method="GET"))


async def requests_answered(here: Running) -> float:
    """By the one worker there is, as a scrape tells it."""
    text = answered(await ask(here.app, "/metrics", method="GET")).body.decode()
    (line,) = [line for line in text.splitlines() if line.startswith("penstock_worker_requests_total{")]
    return float(line.split()[-1])
