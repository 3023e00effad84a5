"""The longest time that the gateway's event loop stands still while it reads one large body, by the shape of the body.

In one process and without HTTP: a clock on the loop looks how late each of its ticks is. Shapes that honest callers
send stand beside those that nobody does; each goes to models of every kind of row, and the longest stall is told.

usage: python -m loadtests.bench.stalls [--megabytes N] [--only SHAPE ...]
"""

import argparse
import asyncio
import gc
import sys
import tempfile
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from starlette.types import Message

from serving.backend_protocol import Arrays, Target
from serving.backends.in_memory import InMemoryBackend
from serving.batching.admission import QueueLimits
from serving.batching.batcher import Batcher
from serving.batching.policy import BatchingCore
from serving.catalog import Catalog
from serving.contract.tensors import Array, Signature, TensorSpec
from serving.observability.metrics import RequestMetrics
from serving.predict import Predictor
from serving.rest.natural_body import read_predict_body
from serving.rest.oip_body import read_infer
from serving.rest.predict_endpoint import PredictEndpoint, Serving

TICK_SECONDS = 0.001
YOUNG_OBJECTS = 50_000
"""As `penstock serve` sets the garbage collector."""
INPUTS = {
    "number": TensorSpec("x", "float32", ()),
    "triple": TensorSpec("x", "float32", (3,)),
    "image": TensorSpec("x", "float32", (28, 28)),
    "text": TensorSpec("x", "string", ()),
}


def shapes(size: int) -> Mapping[str, bytes]:
    """Bodies of `size` bytes and a little."""

    def rows(row: bytes) -> bytes:
        return b'{"instances":[' + b",".join([row] * (size // (len(row) + 1))) + b"]}"

    members = b",".join(b'"%07x":0' % number for number in range(size // 12))
    data = b",".join([b"0.25"] * (size // 5))
    return {
        "[]": rows(b"[]"),
        "{}": rows(b"{}"),
        '""': rows(b'""'),
        "null": rows(b"null"),
        "0": rows(b"0"),
        "NaN": rows(b"NaN"),
        "[0,1,2]": rows(b"[0,1,2]"),
        "28 x 28": rows(b"[" + b",".join([b"[" + b",".join([b"0.5"] * 28) + b"]"] * 28) + b"]"),
        '{"x":0}': rows(b'{"x":0}'),
        "500 deep": rows(b"[" * 500 + b"]" * 500),
        "one string": rows(b'"' + b"a" * (size - 20) + b'"'),
        "escapes": rows(b'"' + b"\\u0041" * (size // 6 - 8) + b'"'),
        "digits": rows(b"9" * (size - 20)),
        "members of a row": rows(b"{" + members + b"}"),
        "members": b"{" + members + b"}",
        "a column": b'{"inputs":{"x":[' + data + b"]}}",
        "infer": b'{"inputs":[{"name":"x","datatype":"FP32","shape":[%d],"data":[%b]}]}' % (size // 5, data),
        "never closed": b'{"instances":[' + b"[" * size,
        "spaces": b" " * size,
    }


def halved(_: Target, inputs: Arrays) -> dict[str, Array]:
    return {"y": np.zeros(len(inputs["x"]), np.float32)}


async def endpoints(folder: Path, most_bytes: int) -> list[PredictEndpoint]:
    """`:predict`, and `infer`."""
    output = (TensorSpec("y", "float32", ()),)
    models = {name: {1: {"serving_default": Signature((given,), output)}} for name, given in INPUTS.items()}
    backend = InMemoryBackend(models, halved)
    catalog = Catalog(folder, backend, 1.0, folders_elsewhere=True)
    metrics, core = RequestMetrics(), BatchingCore(max_batch_rows=64, slots=1, limits=QueueLimits(8192, 2**28))
    predictor = Predictor(catalog, backend, Batcher(backend, core, metrics))
    await backend.start(catalog.renew)
    serving = Serving(predictor, metrics, most_bytes, 60.0)
    return [PredictEndpoint(serving, read) for read in (read_predict_body, read_infer)]


async def status_of(endpoint: PredictEndpoint, model: str, body: bytes) -> int:
    sent: list[Message] = []
    coming = [{"type": "http.request", "body": body}]

    async def receive() -> Message:
        return coming.pop() if coming else await asyncio.get_running_loop().create_future()

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/", "headers": [], "state": {}}
    await endpoint({**scope, "path_params": {"model": model}}, receive, send)
    return int(sent[0]["status"])


async def longest_stall(watched: "asyncio.Task[int]") -> float:
    """Seconds, until the task has ended and a little after, when what it made is thrown away."""
    longest, after = 0.0, 20
    while after:
        before = time.perf_counter()
        await asyncio.sleep(TICK_SECONDS)
        longest = max(longest, time.perf_counter() - before - TICK_SECONDS)
        after -= watched.done()
    return longest


async def measured(size: int, only: Collection[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        predict, infer = await endpoints(Path(folder), size + 2**20)
        gc.collect()
        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS)
        for name, body in shapes(size).items():
            if only and name not in only:
                continue
            found = []
            for model in INPUTS:
                task = asyncio.create_task(status_of(infer if name == "infer" else predict, model, body))
                found.append((await longest_stall(task), task.result(), model))
            stall, status, model = max(found)
            sys.stdout.write(f"{name:<18} {stall * 1e3:7.1f} ms   {status} by {model}\n")
            sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=15)
    parser.add_argument("--only", nargs="*", default=(), help="of these shapes")
    arguments = parser.parse_args()
    asyncio.run(measured(arguments.megabytes * 1_000_000, arguments.only))


if __name__ == "__main__":
    main()
