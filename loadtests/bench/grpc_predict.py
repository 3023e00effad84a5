"""gRPC Predict against an empty method of grpc.aio that receives the same bytes: what the whole prediction costs.

Both servers run on one core, one after the other in short turns, so that the ratio is of one run on one machine state.
A load generator in Python is no faster than what it measures, so the figure is requests per second of the server's own
processor time, which is what one core can do; requests per second as they came are printed beside it.

usage: python -m loadtests.bench.grpc_predict [--rounds N] [--seconds S]
"""

import argparse
import asyncio
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np

from serving.backends.tensorflow_messages import message_module

PIXELS = 784
METHOD = "/tensorflow.serving.PredictionService/Predict"
SERVER_CORE, CLIENT_CORE = 0, 1
WAITING = 32
"""Requests under way at once: what fills batches and hides the turns of the wire."""

EMPTY = """
import asyncio, grpc, sys, uvloop
async def empty(request, context):
    return b""
async def main():
    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(empty)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(
        "tensorflow.serving.PredictionService", {"Predict": handler}),))
    print("gRPC", f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}", flush=True)
    await server.start()
    await server.wait_for_termination()
with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(main())
"""
MODEL = """
import sys, keras
image = keras.Input((784,), name="image")
hidden = keras.layers.Dense(128, activation="relu")(image)
model = keras.Model(image, {"probabilities": keras.layers.Dense(10, activation="softmax")(hidden)})
model.export(sys.argv[1], verbose=False)
"""


@dataclass(frozen=True, slots=True)
class Sample:
    per_wall_second: float
    per_cpu_second: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-W", "ignore", "-c", MODEL, f"{folder}/dense/1"], check=True)
        gateway = [sys.executable, "-m", "penstock_cli", "serve", "--models", folder, "--port", "0", "--grpc-port", "0"]
        with _server(gateway) as ours, _server([sys.executable, "-c", EMPTY]) as empty:
            os.sched_setaffinity(0, {CLIENT_CORE})
            found = asyncio.run(_interleaved({"empty": empty, "predict": ours}, arguments.rounds, arguments.seconds))
    lines = [_row(name, samples) for name, samples in found.items()]
    ratios = [p.per_cpu_second / e.per_cpu_second for p, e in zip(found["predict"], found["empty"], strict=True)]
    spread = f"median {statistics.median(ratios):.2f}, {min(ratios):.2f} to {max(ratios):.2f}"
    sys.stdout.write(
        "| method | requests a second of the server's processor time | requests a second |\n|---|---:|---:|\n"
        + "".join(lines)
        + f"\nratio over {arguments.rounds} rounds: {spread}\n"
    )


def _row(name: str, samples: list[Sample]) -> str:
    cpu = statistics.median(sample.per_cpu_second for sample in samples)
    wall = statistics.median(sample.per_wall_second for sample in samples)
    return f"| {name} | {cpu:,.0f} | {wall:,.0f} |\n"


@contextmanager
def _server(command: list[str]) -> Iterator[tuple[int, str]]:
    """The process's id and its gRPC address; pinned to the servers' core."""
    process = subprocess.Popen(
        ["taskset", "-c", str(SERVER_CORE), *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout  # noqa: S101 - asked for above
        line = next(line for line in process.stdout if line.startswith("gRPC"))
        yield process.pid, line.split()[1]
    finally:
        process.terminate()
        process.wait()


def _request() -> bytes:
    request = message_module("tensorflow_serving.apis.predict_pb2").PredictRequest()
    request.model_spec.name = "dense"
    tensor = request.inputs["image"]
    tensor.dtype = 1
    for size in (1, PIXELS):
        tensor.tensor_shape.dim.add(size=size)
    tensor.tensor_content = np.random.default_rng(7).random(PIXELS, np.float32).tobytes()
    return bytes(request.SerializeToString())


async def _interleaved(servers: dict[str, tuple[int, str]], rounds: int, seconds: float) -> dict[str, list[Sample]]:
    body = _request()
    found: dict[str, list[Sample]] = {name: [] for name in servers}
    for turn in range(rounds + 1):
        for name, (pid, address) in servers.items():
            sample = await _turn(pid, address, body, seconds)
            if turn:  # the first is for warming up
                found[name].append(sample)
    return found


async def _turn(pid: int, address: str, body: bytes, seconds: float) -> Sample:
    async with grpc.aio.insecure_channel(address) as channel:
        ask = channel.unary_unary(METHOD)
        await ask(body)
        counts = [0] * WAITING
        started, used = time.monotonic(), _cpu_seconds(pid)

        async def keep_asking(place: int) -> None:
            while time.monotonic() - started < seconds:
                await ask(body)
                counts[place] += 1

        await asyncio.gather(*(keep_asking(place) for place in range(WAITING)))
        wall, cpu = time.monotonic() - started, _cpu_seconds(pid) - used
    return Sample(sum(counts) / wall, sum(counts) / cpu)


def _cpu_seconds(pid: int) -> float:
    fields = re.sub(r"^.*\) ", "", Path(f"/proc/{pid}/stat").read_text()).split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
