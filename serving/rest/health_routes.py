"""Health for whatever restarts and routes, and the metrics page.

`/livez` only says that the loop turns; `/readyz` says that models have been live. A model or backend lost later
shows in metrics and 503s and not here, so that one bad model never takes every gateway out.
"""

import asyncio
import re
from collections.abc import Iterator, Sequence
from copy import copy
from typing import Any

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import HistogramMetricFamily, Metric

from serving.catalog import Catalog
from serving.readiness import missing_models

PIECE_SAMPLES = 128
"""Of one histogram at once; other families have a few for each model."""
_HEAD = re.compile(rb"\A# HELP .*\n# TYPE .*\n")
_NOT_YET: dict[int | str, dict[str, Any]] = {503: {"description": "Not yet; `reason` says what is waited for."}}


def health_router(catalog: Catalog, required: Sequence[str], registry: CollectorRegistry) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/livez", summary="The process is alive")
    @router.get("/healthz", summary="The process is alive", description="An alias of /livez.")
    async def livez() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/startupz", summary="The first models are live", responses=_NOT_YET)
    @router.get("/readyz", summary="Requests can be sent here", responses=_NOT_YET)
    async def readyz(response: Response) -> dict[str, str]:
        if missing := missing_models(catalog.been_live, required):
            response.status_code = 503
            return {"status": "not ready", "reason": missing}
        return {"status": "ready"}

    @router.get("/metrics", summary="Prometheus metrics", response_class=Response)
    async def metrics() -> Response:
        return Response(await exposition(registry), media_type=CONTENT_TYPE_LATEST)

    return router


async def exposition(registry: CollectorRegistry) -> bytes:
    """The page, a piece at a time: a sample takes some 10 us, and predictions come between the pieces."""
    parts = []
    for family in registry.collect():
        for piece in _pieces(family):
            text = generate_latest(_OneFamily(piece))
            parts.append(_HEAD.sub(b"", text) if piece.samples[:1] != family.samples[:1] else text)
            await asyncio.sleep(0)
    return b"".join(parts)


def _pieces(family: Metric) -> Iterator[Metric]:
    if not isinstance(family, HistogramMetricFamily) or not family.samples:
        yield family
        return
    for start in range(0, len(family.samples), PIECE_SAMPLES):
        piece = copy(family)
        piece.samples = family.samples[start : start + PIECE_SAMPLES]
        yield piece


class _OneFamily(CollectorRegistry):
    def __init__(self, family: Metric) -> None:
        super().__init__()
        self._family = family

    def collect(self) -> list[Metric]:
        return [self._family]
