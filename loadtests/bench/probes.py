"""How a row of the table is measured: over HTTP by wrk, over gRPC by our own client, or the model call by itself.

Every probe first checks an answer against the reference; a wrong one ends the benchmark.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np

from loadtests.bench.asking import answers, ask
from loadtests.bench.dense_model import CLASSES, DenseModel, Floats, pictures
from loadtests.bench.errors import BenchError
from loadtests.bench.forms import Form, HttpRequest, check_answer, check_probabilities
from loadtests.bench.grpc_load import answers_grpc, call_once, keep_calling, predict_request, read_answer
from loadtests.bench.processes import ServerProcess, cpu_seconds
from loadtests.bench.samples import Sample
from loadtests.bench.wrk import run_wrk

Expected: TypeAlias = Callable[[DenseModel, Floats], Floats]


def reference(model: DenseModel, rows: Floats) -> Floats:
    return model.reference(rows)


def zeros(_: DenseModel, rows: Floats) -> Floats:
    """What the in-memory backend makes up."""
    return np.zeros((len(rows), CLASSES), np.float32)


def nothing(_: DenseModel, rows: Floats) -> Floats:
    """An empty endpoint's answer has no rows."""
    return np.zeros((0, CLASSES), rows.dtype)


class Probe(Protocol):
    """One way of asking a running server."""

    def is_up(self, server: ServerProcess) -> bool:
        """Whether the server answers this very request."""

    def check(self, server: ServerProcess, model: DenseModel) -> None:
        """Raises WrongAnswer when it answers something else than is right."""

    def measure(self, server: ServerProcess, connections: int, seconds: float) -> Sample:
        """One turn with the server's core busy. Raises BenchError when a request fails."""


@dataclass(frozen=True, slots=True)
class HttpProbe:
    """`rows` rows a request in the given form; one connection only where `alone`."""

    form: Form
    rows: int = 1
    expected: Expected = reference
    alone: bool = False

    @property
    def request(self) -> HttpRequest:
        return self.form.request(pictures(self.rows))

    def is_up(self, server: ServerProcess) -> bool:
        return answers(server.port, self.request)

    def check(self, server: ServerProcess, model: DenseModel) -> None:
        check_answer(self.form, ask(server.port, self.request), self.expected(model, pictures(self.rows)))

    def measure(self, server: ServerProcess, connections: int, seconds: float) -> Sample:
        used = cpu_seconds(server.pid)
        count = run_wrk(server.port, [self.request], 1 if self.alone else connections, seconds)
        cpu = cpu_seconds(server.pid) - used
        if count.refused or count.broken or not count.requests:
            raise BenchError(f"{count.requests} answers, {count.refused} of them refusals, {count.broken} broken")
        return Sample(count.requests, count.seconds, cpu, count.p50_ms, count.p99_ms)


@dataclass(frozen=True, slots=True)
class GrpcProbe:
    """Predict with one row by TensorFlow Serving's protocol."""

    expected: Expected = reference

    @property
    def message(self) -> bytes:
        return predict_request(pictures(1))

    def is_up(self, server: ServerProcess) -> bool:
        return answers_grpc(server.grpc_address, self.message)

    def check(self, server: ServerProcess, model: DenseModel) -> None:
        found = read_answer(call_once(server.grpc_address, self.message))
        check_probabilities("gRPC Predict", found, self.expected(model, pictures(1)))

    def measure(self, server: ServerProcess, connections: int, seconds: float) -> Sample:
        return asyncio.run(keep_calling(server, self.message, connections, seconds))


def measure_model_call(model: DenseModel, core: int, seconds: float) -> Sample:
    """The model call alone, on the server's core."""
    command = [sys.executable, "-m", "loadtests.bench.model_call", str(model.saved_model), str(seconds)]
    done = subprocess.run(["taskset", "-c", str(core), *command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"the model call alone failed: {done.stderr.strip()[-500:]}")
    return Sample(**json.loads(done.stdout))
