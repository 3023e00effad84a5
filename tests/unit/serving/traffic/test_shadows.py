import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from serving.answering.layers import AnswerLayers
from serving.backend_protocol import Arrays, VersionState, VersionStatus
from serving.backends.in_memory import InMemoryBackend, Turn
from serving.batching.admission import QueueLimits
from serving.batching.batcher import Batcher
from serving.batching.events import Lane
from serving.batching.policy import BatchingCore
from serving.catalog import CatalogView, ModelEntry, Servable, build_view
from serving.contract.tensors import Signature, TensorSpec
from serving.errors import BackendRejected, DeadlineExceeded
from serving.model_settings import ModelSettings
from serving.model_store.snapshot import DirectorySnapshot, ModelOnDisk
from serving.model_store.traffic import make_traffic
from serving.observability.families import SHADOW, summed
from serving.observability.metrics import RequestMetrics
from serving.served import serve
from serving.traffic.shadows import MOST_IN_FLIGHT, MOST_ROWS, Mirror, Shadows, mismatch
from serving.traffic.spreads import Spreads
from tests.unit.serving.gateway_parts import FOREVER, LIVE, SIGNATURE, doubled

DEFAULT = "serving_default"


def servable(version: int, signature: Signature = SIGNATURE) -> Servable:
    return Servable("doubles", version, None, {DEFAULT: signature})


def view(
    fraction: float = 1.0, *, live: tuple[int, ...] = (1, 2), signature_of_2: Signature = SIGNATURE
) -> CatalogView:
    signatures = {1: SIGNATURE, 2: signature_of_2}
    available = {v: VersionStatus(VersionState.AVAILABLE, {DEFAULT: signatures[v]}) for v in live}
    traffic = make_traffic({}, None, ("canary", fraction))
    on_disk = DirectorySnapshot({"doubles": ModelOnDisk((1, 2), {"stable": 1, "canary": 2}, traffic)})
    return build_view({"doubles": available}, on_disk, {("doubles", version): None for version in live})


def entry(fraction: float = 1.0) -> ModelEntry:
    return view(fraction).models["doubles"]


def rows(*values: float) -> Arrays:
    return {"x": np.array(values, np.float32)}


def outputs(*values: float) -> Arrays:
    return {"value": np.array(values, np.float32)[:, None] * 2}


@dataclass
class Here:
    batcher: Batcher
    shadows: Shadows
    metrics: RequestMetrics

    def mirror(self, found: ModelEntry) -> Mirror:
        mirror = self.shadows.of(found, found.servables[1], DEFAULT)
        assert mirror is not None
        return mirror

    def counts(self) -> dict[str, int]:
        sums = summed(self.metrics.ledger.read())
        return {key[2]: int(cells[0]) for key, cells in sums[SHADOW].items() if cells[0]}

    async def ended(self) -> dict[str, int]:
        async with asyncio.timeout(20):
            while self.shadows.in_flight:  # noqa: ASYNC110 - has no event
                await asyncio.sleep(0)
        return self.counts()


async def parts(turns: Iterable[Turn] = (), *, cache_bytes: int = 0, clock: Callable[[], float] | None = None) -> Here:
    backend = InMemoryBackend(LIVE, doubled, iter(turns))
    core = BatchingCore(max_batch_rows=64, slots=1, limits=QueueLimits(1000, 10**6))
    metrics = RequestMetrics()
    batcher = Batcher(backend, core, metrics)
    settings = {"doubles": ModelSettings(cache_bytes=cache_bytes)}
    layers = AnswerLayers(batcher, settings) if cache_bytes else None
    shadows = Shadows(batcher, backend, layers, metrics.ledger, Spreads())
    if clock:
        shadows.clock = clock

    async def changed() -> None:
        pass

    await backend.start(changed)
    return Here(batcher, shadows, metrics)


def in_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    def run() -> None:
        asyncio.run(test())

    run.__name__ = test.__name__
    return run


@pytest.mark.parametrize("cache_bytes", [0, 10_000])
def test_what_was_answered_together_is_mirrored_together(cache_bytes: int) -> None:
    async def work() -> None:
        here = await parts(cache_bytes=cache_bytes)
        mirror = here.mirror(entry())
        mirror.offer(rows(1.0), outputs(1.0))
        mirror.offer(rows(2.0), outputs(2.0))
        mirror.offer(rows(3.0), outputs(4.0))
        assert await here.ended() == {"same": 2, "different": 1}

    asyncio.run(work())


@in_loop
async def test_a_fraction_of_them_is_mirrored() -> None:
    here = await parts()
    mirror = here.mirror(entry(0.25))
    for _ in range(100):
        mirror.offer(rows(1.0), outputs(1.0))
        await here.ended()
    assert sum(here.counts().values()) == pytest.approx(25, abs=2)


@in_loop
async def test_nothing_is_mirrored_while_anybody_waits() -> None:
    here = await parts([FOREVER])
    key = serve(servable(1), DEFAULT, here.batcher.backend, None).queues.key_of(rows(1.0))
    asked = []
    for _ in range(2):
        asked.append(asyncio.create_task(here.batcher.predict(key, rows(1.0), float("inf"), lane=Lane.BATCH)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert here.batcher.core.queued_rows == 1
    here.mirror(entry()).offer(rows(1.0), outputs(1.0))
    assert here.counts() == {"dropped": 1}
    for each in asked:
        each.cancel()


@in_loop
async def test_few_are_under_way_at_once_and_none_is_large() -> None:
    here = await parts([FOREVER])
    mirror = here.mirror(entry())
    for _ in range(MOST_IN_FLIGHT + 3):
        mirror.offer(rows(1.0), outputs(1.0))
    assert (here.shadows.in_flight, here.counts()) == (MOST_IN_FLIGHT, {"dropped": 3})
    mirror.offer(rows(*range(MOST_ROWS + 1)), outputs(*range(MOST_ROWS + 1)))
    assert here.counts() == {"dropped": 4}


@pytest.mark.parametrize(
    ("turn", "result"),
    [
        (Turn(error=BackendRejected("no")), "failed"),
        (Turn(error=DeadlineExceeded("late")), "dropped"),
    ],
)
def test_failing_is_counted_and_so_is_being_slow(turn: Turn, result: str) -> None:
    async def work() -> None:
        here = await parts([turn])
        here.mirror(entry()).offer(rows(1.0), outputs(1.0))
        assert await here.ended() == {result: 1}

    asyncio.run(work())


@in_loop
async def test_a_mirrored_request_ends_by_its_own_deadline() -> None:
    here = await parts([FOREVER], clock=lambda: -1.0)  # whose deadline is long over for the batcher
    here.mirror(entry()).offer(rows(1.0), outputs(1.0))
    assert await here.ended() == {"dropped": 1}


@in_loop
async def test_there_is_no_mirror_where_nothing_can_be_compared() -> None:
    here = await parts()
    other = Signature((TensorSpec("y", "float32", ()),), SIGNATURE.outputs)
    found = entry()
    assert here.shadows.of(found, found.servables[2], DEFAULT) is None, "the shadow itself answered"
    for seen in (view(live=(1,)), view(signature_of_2=other)):
        without = seen.models["doubles"]
        assert here.shadows.of(without, without.servables[1], DEFAULT) is None


@in_loop
async def test_a_withdrawn_version_is_no_shadow_either() -> None:
    here = await parts()
    mirror = here.mirror(entry())
    here.shadows.spreads.take(view())
    here.shadows.spreads.withdraw("doubles", 2)
    mirror.offer(rows(1.0), outputs(1.0))
    assert await here.ended() == {}


def test_why_two_versions_do_not_match_is_said() -> None:
    wide = TensorSpec("value", "float32", (2,))
    assert mismatch(servable(1), servable(2), DEFAULT) == ""
    assert mismatch(servable(1), servable(2), "classify") == "version 2 has no signature classify"
    assert "inputs of version 2" in mismatch(servable(1), servable(2, Signature((), SIGNATURE.outputs)), DEFAULT)
    assert "outputs of version 2" in mismatch(servable(1), servable(2, Signature(SIGNATURE.inputs, (wide,))), DEFAULT)
