"""What counting costs: requests of one row by the in-memory backend, with the gateway's metrics and with none.

In one process and without HTTP, so that nothing but the gateway's own way of a request is beside it: the share of a
whole answer is smaller. Turns of both are taken alternately, and the median of each turn's ratio of processor time is
told.

usage: python -m loadtests.bench.metrics_cost [--rounds N] [--requests N]
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from loadtests.bench.samples import spread, turn_by_turn
from serving.access.visitors import Visitors
from serving.backend_protocol import Arrays, Target
from serving.backends.in_memory import InMemoryBackend
from serving.batching.admission import QueueLimits
from serving.batching.batcher import Batcher
from serving.batching.events import SendBatch
from serving.batching.policy import BatchingCore
from serving.catalog import Catalog
from serving.contract.tensors import Array, Signature, TensorSpec
from serving.observability.metrics import RequestMetrics, RequestSeries
from serving.predict import Predictor
from serving.rest.natural_body import read_predict_body
from serving.rest.predict_endpoint import PredictEndpoint, Serving
from serving.rest.request_head import RequestHead
from serving.rest.response import Response

SIGNATURE = Signature((TensorSpec("x", "float32", ()),), (TensorSpec("value", "float32", (1,)),))
NO_HEAD = RequestHead({})
BODY = b'{"instances": [1.0]}'
TOGETHER = 16
"""Requests under way at once, which share batches as they do on a busy gateway."""


class NothingCounted(RequestMetrics):
    """What a gateway without metrics would do."""

    def request_finished(
        self,
        series: RequestSeries,
        total_seconds: float,
        decode_seconds: float | None = None,
        encode_seconds: float | None = None,
    ) -> None:
        pass

    def batch_finished(self, batch: SendBatch, backend_seconds: float, queue_seconds: Sequence[float]) -> None:
        pass


def doubled(_: Target, inputs: Arrays) -> dict[str, Array]:
    return {"value": inputs["x"][:, None] * 2}


async def endpoint_with(metrics: RequestMetrics, folder: Path, visitors: Visitors | None = None) -> PredictEndpoint:
    """The whole way of a prediction; the model has no folder and is served by its signature alone."""
    backend = InMemoryBackend({"doubles": {1: {"serving_default": SIGNATURE}}}, doubled, at_once=True)
    catalog = Catalog(folder, backend, 1.0, folders_elsewhere=True)
    core = BatchingCore(max_batch_rows=64, slots=1, limits=QueueLimits(8192, 2**28))
    predictor = Predictor(catalog, backend, Batcher(backend, core, metrics))
    await backend.start(catalog.renew)
    return PredictEndpoint(Serving(predictor, metrics, 2**20, 30.0, visitors=visitors), read_predict_body)


async def cpu_seconds(endpoint: PredictEndpoint, requests: int, head: RequestHead = NO_HEAD) -> float:
    """The processor time that a request took, the mean of many."""
    begin = endpoint.prepare(head, {"model": "doubles"})
    if begin is None:
        raise RuntimeError("the endpoint would take a task for each request")
    answered, statuses = asyncio.Event(), list[int]()

    def tell(response: Response, _: str) -> None:
        statuses.append(response.status)
        if not len(statuses) % TOGETHER:
            answered.set()

    started = time.process_time()
    for _ in range(requests // TOGETHER):
        answered.clear()
        for _ in range(TOGETHER):
            begin(BODY, tell)
        await answered.wait()
    took = time.process_time() - started
    if set(statuses) != {200}:
        raise RuntimeError(f"not every request was answered: {set(statuses)}")
    return took / len(statuses)


async def measured(rounds: int, requests: int) -> tuple[list[float], list[float]]:
    """Seconds a request, a round each: with metrics and without. The first round of either is not told."""
    with tempfile.TemporaryDirectory() as folder:
        counting = await endpoint_with(RequestMetrics(), Path(folder))
        silent = await endpoint_with(NothingCounted(), Path(folder))
        found: tuple[list[float], list[float]] = ([], [])
        for _ in range(rounds + 1):
            for place, endpoint in enumerate((counting, silent)):
                found[place].append(await cpu_seconds(endpoint, requests))
    return found[0][1:], found[1][1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=301)
    parser.add_argument("--requests", type=int, default=960, help="of each round")
    arguments = parser.parse_args()
    counting, silent = asyncio.run(measured(arguments.rounds, arguments.requests))
    ratio = spread(turn_by_turn(counting, silent, lambda a, b: a / b))
    sys.stdout.write(
        f"with metrics    {spread(counting).median * 1e6:.1f} us a request\n"
        f"without         {spread(silent).median * 1e6:.1f} us\n"
        f"the metrics     {ratio.median - 1:.1%} ({ratio.least - 1:.1%} to {ratio.most - 1:.1%})\n"
    )


if __name__ == "__main__":
    main()
