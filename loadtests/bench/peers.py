"""The other model servers that are measured where they are installed, each as its own documentation starts it.

`make bench-peers` builds an environment per peer below `.peers`; TensorFlow Serving is measured where its program is on
the PATH. All batch by themselves, run one worker on the one core, and answer on loopback.
"""

import json
import shutil
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from loadtests.bench import forms
from loadtests.bench.dense_model import MODEL, DenseModel
from loadtests.bench.lineup import MANY_ROWS, Command, Environment, Row, Server, saved_model_environment
from loadtests.bench.probes import GrpcProbe, HttpProbe

ENVIRONMENTS = Path(".peers")
PROGRAMS = Path(__file__).parent / "peers_programs"
TENSORFLOW_SERVING = "tensorflow_model_server"
INSTALLED, REFUSED = ".installed", "not-installed"
"""Files that the Makefile leaves in an environment: the one when it is whole, the other with the reason."""
PACKAGE_OF_ENVIRONMENT = {
    "litserve": "litserve",
    "bentoml": "bentoml",
    "mlserver": "mlserver",
    "pytriton": "nvidia_pytriton",
}

LITSERVE = Row("litserve", "LitServe, JSON", HttpProbe(forms.LITSERVE_JSON))
BENTOML = Row("bentoml", "BentoML, JSON", HttpProbe(forms.BENTOML_JSON))
MLSERVER = Row("mlserver", "MLServer, OIP JSON", HttpProbe(forms.OIP_JSON))
TRITON_JSON = Row("triton-json", "Triton (PyTriton), OIP JSON", HttpProbe(forms.OIP_JSON))
TRITON_BINARY = Row("triton-binary", "Triton (PyTriton), OIP binary", HttpProbe(forms.OIP_BINARY))
TFS_REST = Row("tfs-rest", "TensorFlow Serving, REST", HttpProbe(forms.TFS_JSON))
TFS_GRPC = Row("tfs-grpc", "TensorFlow Serving, gRPC", GrpcProbe(), clock="processor")
TFS_GRPC_BATCHING = Row("tfs-grpc-batching", "TensorFlow Serving, gRPC, its batching", GrpcProbe(), clock="processor")
BATCHING_CONFIG = f"""\
max_batch_size {{ value: {MANY_ROWS} }}
batch_timeout_micros {{ value: 0 }}
num_batch_threads {{ value: 1 }}
max_enqueued_batches {{ value: 1000 }}
"""


def peer_servers(environments: Path = ENVIRONMENTS, path: str | None = None) -> tuple[Server, ...]:
    """Every peer, those that are not here with the reason. `path` is searched for programs as PATH is."""
    return (
        _peer(environments, "litserve", _litserve(environments), (LITSERVE,)),
        _peer(environments, "bentoml", _bentoml(environments), (BENTOML,), _bentoml_environment),
        _peer(environments, "mlserver", _mlserver(environments), (MLSERVER,), _mlserver_environment),
        _peer(environments, "pytriton", _pytriton(environments), (TRITON_JSON, TRITON_BINARY), _pytriton_environment),
        *_tensorflow_serving(path),
    )


def _peer(
    environments: Path, name: str, command: Command, rows: tuple[Row, ...], environment: Environment = lambda _: {}
) -> Server:
    return Server(name, command, rows, environment, missing_reason(environments / name), optional=True)


def missing_reason(folder: Path) -> str:
    """Why the environment cannot be used; empty when it can."""
    if (folder / INSTALLED).exists():
        return ""
    refused = folder / REFUSED
    if refused.exists():
        return f"cannot be installed here: {refused.read_text(errors='replace').strip()}"
    return "not installed; make bench-peers installs it"


def _program(environments: Path, peer: str, name: str) -> str:
    return str((environments / peer / "bin" / name).absolute())


def _litserve(environments: Path) -> Command:
    python, script = _program(environments, "litserve", "python"), str(PROGRAMS / "litserve_server.py")
    return lambda model, port, _grpc_port: [python, script, str(model.saved_model), str(port)]


def _bentoml(environments: Path) -> Command:
    serve = [_program(environments, "bentoml", "python"), "-m", "bentoml", "serve", "bentoml_service:Dense"]
    where = ["--working-dir", str(PROGRAMS), "--host", "127.0.0.1"]
    return lambda _model, port, _grpc_port: [*serve, *where, "--port", str(port)]


def _bentoml_environment(model: DenseModel) -> Mapping[str, str]:
    return {**saved_model_environment(model), "BENTOML_DO_NOT_TRACK": "True"}


def _mlserver(environments: Path) -> Command:
    python = _program(environments, "mlserver", "python")

    def command(model: DenseModel, port: int, grpc_port: int) -> list[str]:
        folder = model.models.parent / "mlserver"
        folder.mkdir(exist_ok=True)
        for name, settings in mlserver_settings(model.saved_model, port, grpc_port).items():
            (folder / name).write_text(json.dumps(settings))
        return [python, "-m", "mlserver.cli.main", "start", str(folder)]

    return command


def mlserver_settings(saved_model: Path, port: int, grpc_port: int) -> dict[str, dict[str, object]]:
    """Its two files. No worker beside the server's own process: on one core that is its quicker way."""
    server = {
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": grpc_port,
        "metrics_endpoint": None,
        "parallel_workers": 0,
        "debug": False,
    }
    model = {
        "name": MODEL,
        "implementation": "mlserver_model.Dense",
        "max_batch_size": MANY_ROWS,
        "max_batch_time": 0.001,
        "parameters": {"uri": str(saved_model)},
    }
    return {"settings.json": server, "model-settings.json": model}


def _mlserver_environment(_: DenseModel) -> Mapping[str, str]:
    return {"PYTHONPATH": str(PROGRAMS)}


def _pytriton(environments: Path) -> Command:
    python, script = _program(environments, "pytriton", "python"), str(PROGRAMS / "triton_server.py")
    return lambda model, port, _grpc_port: [python, script, str(model.saved_model), str(port)]


def _pytriton_environment(_: DenseModel) -> Mapping[str, str]:
    """Triton's stub is linked to libpython, and must find that of the environment's own Python, not the system's."""
    return {"LD_LIBRARY_PATH": str(sysconfig.get_config_var("LIBDIR"))}


def _tensorflow_serving(path: str | None) -> tuple[Server, ...]:
    program = shutil.which(TENSORFLOW_SERVING, path=path)
    missing = "" if program else f"{TENSORFLOW_SERVING} is not on the PATH"
    return tuple(
        Server(
            name,
            _tensorflow_serving_command(program or "", batching=batching),
            rows,
            missing=missing,
            any_address=True,
            optional=True,
        )
        for name, batching, rows in (
            ("tensorflow-serving", False, (TFS_REST, TFS_GRPC)),
            ("tensorflow-serving-batching", True, (TFS_GRPC_BATCHING,)),
        )
    )


def _tensorflow_serving_command(program: str, *, batching: bool) -> Command:
    def command(model: DenseModel, port: int, grpc_port: int) -> list[str]:
        base = model.saved_model.parent.absolute()
        given = [f"--port={grpc_port}", f"--rest_api_port={port}", f"--model_name={MODEL}", f"--model_base_path={base}"]
        threads = ["--tensorflow_intra_op_parallelism=1", "--tensorflow_inter_op_parallelism=1"]
        if not batching:
            return [program, *given, *threads]
        config = model.models.parent / "batching.config"
        config.write_text(BATCHING_CONFIG)
        return [program, *given, *threads, "--enable_batching=true", f"--batching_parameters_file={config}"]

    return command
