"""Who is measured: each server with the command that starts it, and the rows of the table that it answers.

To measure something else, add a server or a row here; `peers.py` has the other model servers.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from loadtests.bench import forms
from loadtests.bench.dense_model import DenseModel
from loadtests.bench.probes import GrpcProbe, HttpProbe, Probe, nothing, zeros
from loadtests.bench.processes import gateway_command

MANY_ROWS = 64
Command: TypeAlias = Callable[[DenseModel, int, int], Sequence[str]]
"""What starts a server on a REST and a gRPC port."""
Environment: TypeAlias = Callable[[DenseModel], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `clock` says what its requests a second are of: wall time, or the server's processor's."""

    name: str
    title: str
    probe: Probe
    rows: int = 1
    clock: Literal["wall", "processor"] = "wall"


@dataclass(frozen=True, slots=True)
class Server:
    """A server and its rows; `missing` is the reason when it cannot be started on this machine. An `optional` one that
    fails is left out.

    Only TensorFlow Serving is excused from listening on loopback alone: it has no option for its address.
    """

    name: str
    command: Command
    rows: tuple[Row, ...]
    environment: Environment = lambda _model: {}
    missing: str = ""
    any_address: bool = False
    optional: bool = False


def uvicorn_command(app: str, port: int) -> list[str]:
    """Uvicorn as fast as it goes: uvloop, httptools, no access log; the same as the gateway's own."""
    options = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    return [sys.executable, "-m", "uvicorn", app, "--host", "127.0.0.1", "--port", str(port), *options]


def saved_model_environment(model: DenseModel) -> dict[str, str]:
    """For servers whose program takes no arguments of ours."""
    return {"BENCH_SAVED_MODEL": str(model.saved_model)}


def _app(name: str) -> Command:
    return lambda _model, port, _grpc_port: uvicorn_command(f"loadtests.bench.apps.{name}:app", port)


def _gateway(*options: str) -> Command:
    return lambda model, port, grpc_port: gateway_command(model.models, port, grpc_port, *options)


def _empty_grpc(_model: DenseModel, _port: int, grpc_port: int) -> list[str]:
    return [sys.executable, "-m", "loadtests.bench.apps.empty_grpc", str(grpc_port)]


BARE = Row("bare", "bare uvicorn ASGI, reads the body", HttpProbe(forms.TFS_JSON_UNANSWERED, expected=nothing))
EMPTY_FASTAPI = Row(
    "fastapi", "empty FastAPI endpoint, reads the body", HttpProbe(forms.TFS_JSON_UNANSWERED, expected=nothing)
)
NAIVE = Row("naive", "FastAPI + pydantic + Keras signature", HttpProbe(forms.TFS_JSON))
IN_MEMORY = Row("in-memory", "gateway, in_memory backend, JSON", HttpProbe(forms.TFS_JSON, expected=zeros))
JSON = Row("json", "gateway, embedded, JSON", HttpProbe(forms.TFS_JSON))
NPY = Row("npy", "gateway, embedded, npy", HttpProbe(forms.TFS_NPY))
OIP = Row("oip", "gateway, embedded, OIP binary", HttpProbe(forms.OIP_BINARY))
JSON_64 = Row("json-64", "gateway, embedded, JSON, 64 rows", HttpProbe(forms.TFS_JSON, MANY_ROWS), MANY_ROWS)
NPY_64 = Row("npy-64", "gateway, embedded, npy, 64 rows", HttpProbe(forms.TFS_NPY, MANY_ROWS), MANY_ROWS)
OIP_64 = Row("oip-64", "gateway, embedded, OIP binary, 64 rows", HttpProbe(forms.OIP_BINARY, MANY_ROWS), MANY_ROWS)
ALONE = Row("one-connection", "gateway, embedded, JSON, one connection", HttpProbe(forms.TFS_JSON, alone=True))
GRPC = Row("grpc", "gateway, embedded, gRPC Predict", GrpcProbe(), clock="processor")
EMPTY_GRPC = Row("grpc-empty", "empty grpc.aio method", GrpcProbe(expected=nothing), clock="processor")
MODEL_CALL = "model-call"
"""The row without a server: the model call alone."""
MODEL_CALL_TITLE = "the model call alone, one row"

OWN_SERVERS = (
    Server("bare", _app("bare"), (BARE,)),
    Server("fastapi", _app("empty_fastapi"), (EMPTY_FASTAPI,)),
    Server("naive", _app("naive_keras"), (NAIVE,), saved_model_environment),
    Server("gateway", _gateway(), (JSON, NPY, OIP, JSON_64, NPY_64, OIP_64, ALONE, GRPC)),
    Server("in-memory", _gateway("--backend", "in_memory"), (IN_MEMORY,)),
    Server("grpc-empty", _empty_grpc, (EMPTY_GRPC,)),
)
"""What `make bench` measures."""
GATEWAY_BESIDE_PEERS = Server("gateway", _gateway(), (JSON, OIP, GRPC))
"""The gateway in the forms that the peers are compared in."""


def only_rows(servers: Sequence[Server], names: Sequence[str]) -> tuple[Server, ...]:
    """The servers that have a row of these names, with those rows alone."""
    kept = (replace(server, rows=tuple(row for row in server.rows if row.name in names)) for server in servers)
    return tuple(server for server in kept if server.rows)
