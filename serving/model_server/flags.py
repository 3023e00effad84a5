"""The flags that TensorFlow Serving is started with, each with its reason: one table for command, doctor and docs.

Pure. Flags that are not here keep the server's defaults (tensorflow_serving/model_servers/main.cc).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Deployment:
    """What the values depend on. `in_flight` is a gateway's `max_in_flight_batches`; `config_folder` a path where the
    server runs.
    """

    cores: int = 4
    gateways: int = 1
    in_flight: int = 2
    gpu: bool = False
    config_folder: str = "/config"


@dataclass(frozen=True, slots=True)
class Flag:
    """`value` is a format string over `Deployment`'s fields and `threads`; `since` the first server that knows it."""

    name: str
    value: str
    reason: str
    device: Literal["any", "gpu"] = "any"
    since: tuple[int, int] | None = None


STATUS_THREADS = 4
"""Of the server's gRPC threads, for questions that are no batches: status, health, metadata."""

FLAGS: tuple[Flag, ...] = (
    Flag("port", "8500", "gRPC, which is all that the gateway speaks to it."),
    Flag(
        "rest_api_port",
        "8501",
        "Its metrics are served there. Publish it to Prometheus and nobody else: one request of deeply nested JSON "
        "ends the server.",
    ),
    Flag("model_config_file", "{config_folder}/models.config", "Which models, versions and labels to have."),
    Flag(
        "model_config_file_poll_wait_seconds",
        "30",
        "The file is read again, so that new versions are loaded and old ones freed without a restart. Never together "
        "with a reload by RPC: each would undo what the other set.",
    ),
    Flag(
        "file_system_poll_wait_seconds",
        "1",
        "How soon a version that models.config names is found. Without it a version that comes late is never loaded.",
    ),
    Flag(
        "allow_version_labels_for_unavailable_models",
        "true",
        "Labels come with the configuration, before anything is loaded; without the flag the server refuses to start.",
    ),
    Flag(
        "num_load_threads",
        "1",
        "Loading in a thread of its own: on the manager's, where it is by default, it delays requests.",
    ),
    Flag("num_unload_threads", "1", "The same for freeing a version."),
    Flag(
        "enable_model_warmup",
        "true",
        "The warm-up records of a version are replayed before it takes requests: the first call at a new batch size "
        "costs 25 ms to 8 s on a GPU.",
    ),
    Flag("monitoring_config_file", "{config_folder}/monitoring.config", "Prometheus metrics, off by default."),
    Flag(
        "enable_batching",
        "false",
        "The gateway batches: the server's own batch cannot exceed its threads, knows no deadlines, and fails as a "
        "whole for one bad row (docs/decisions/0012).",
    ),
    Flag(
        "enable_serialization_as_tensor_content",
        "true",
        "Answers as raw bytes instead of one protobuf entry a number. The gateway reads both.",
        since=(2, 19),
    ),
    Flag(
        "tensorflow_intra_op_parallelism",
        "{cores}",
        "The container's CPU limit: the server counts the machine's cores, and is throttled for it.",
    ),
    Flag("tensorflow_inter_op_parallelism", "{cores}", "The same for operations side by side."),
    Flag(
        "grpc_max_threads",
        "{threads}",
        f"A call holds a thread: the batches in flight of all gateways, and {STATUS_THREADS} for status and health.",
    ),
    Flag("enable_grpc_healthcheck_service", "true", "grpc.health.v1 for probes; it only says that the server runs."),
    Flag(
        "grpc_channel_arguments",
        "grpc.max_connection_age_ms=300000",
        "Connections end after five minutes, so that gateways find new replicas behind the same name.",
    ),
    Flag(
        "per_process_gpu_memory_fraction",
        "0.9",
        "The GPU's memory is taken once, and a tenth left to CUDA's own libraries.",
        device="gpu",
    ),
    Flag(
        "xla_gpu_compilation_enabled",
        "true",
        "Versions exported with the profile `gpu` are compiled by XLA, which the server refuses by default.",
        device="gpu",
    ),
)


def flag_lines(deployment: Deployment) -> Iterator[tuple[str, str]]:
    """`--name=value` and the reason of each flag that such a deployment sets."""
    fields = {
        "config_folder": deployment.config_folder.rstrip("/"),
        "cores": deployment.cores,
        "threads": deployment.in_flight * deployment.gateways + STATUS_THREADS,
    }
    for flag in FLAGS:
        if flag.device == "any" or deployment.gpu:
            yield f"--{flag.name}={flag.value.format(**fields)}", flag.reason
