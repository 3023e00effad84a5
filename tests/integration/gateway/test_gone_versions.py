"""What a gateway keeps of a version that has gone: its figures for a while, and then nothing that a scrape asks for."""

import time
from pathlib import Path

from serving.backends.in_memory import InMemoryBackend
from serving.observability.departed import KEPT_SECONDS, SHOWN_SECONDS
from tests.integration.gateway.two_versions import CANARY, SIGNATURE, STABLE, Running, in_loop, running
from tests.unit.serving.gateway_parts import answered, ask


def shown(here: Running) -> set[int]:
    """The versions of which a scrape tells what was learned."""
    families = [family for family in here.gateway.gauges() if family.name == "penstock_batch_limit_rows"]
    return {int(sample.labels["model_version"]) for family in families for sample in family.samples}


@in_loop
async def test_what_was_learned_of_a_version_is_told_for_a_while_after_it_has_gone_and_then_forgotten(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as here:
        for version in (STABLE, CANARY):
            assert (await here.rest(f"/v1/models/doubles/versions/{version}:predict")).status == 200
        backend = here.gateway.backend
        assert isinstance(backend, InMemoryBackend)
        backend.models = {"doubles": {STABLE: {"serving_default": SIGNATURE}}}
        await backend.start(here.gateway.catalog.renew)
        assert CANARY not in here.gateway.catalog.view.models["doubles"].servables
        assert shown(here) == {STABLE, CANARY}
        here.gateway.batcher.clock = lambda: time.monotonic() + SHOWN_SECONDS
        await here.until(lambda: shown(here) == {STABLE})
        assert here.gateway.metrics.versions() == {("doubles", str(STABLE)), ("doubles", str(CANARY))}
        here.gateway.batcher.clock = lambda: time.monotonic() + SHOWN_SECONDS + KEPT_SECONDS
        await here.until(lambda: here.gateway.metrics.versions() == {("doubles", str(STABLE))})
        assert await requests_answered(here) == 2


async def requests_answered(here: Running) -> float:
    """By the one worker there is, as a scrape tells it."""
    text = answered(await ask(here.app, "/metrics", method="GET")).body.decode()
    (line,) = [line for line in text.splitlines() if line.startswith("penstock_worker_requests_total{")]
    return float(line.split()[-1])
