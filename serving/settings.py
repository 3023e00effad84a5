"""The gateway's settings: read once from `penstock.toml`, PENSTOCK_* and the command line, checked together, frozen.

Pure: the sources are arguments. Later sources win: file, environment, command line.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from serving.access_settings import AccessSettings
from serving.connection_settings import ConnectionSettings
from serving.errors import InvalidSettings
from serving.model_settings import Count, ModelSettings, Positive, Share
from serving.trust_settings import TrustSettings

PREFIX = "PENSTOCK_"
NOT_OURS = re.compile(r"SERVICE_(HOST|PORT.*)|PORT_\d+_.*|REQUIRE_ALL|SIGNING_KEY|TEST_.*|API_KEY|TOKEN")
"""PENSTOCK_ variables that are no settings: what Kubernetes gives every pod beside a Service named `penstock`, and what
the tests are told, the key of whoever publishes, and what clients show."""
SERVICE_ADDRESSES = ("tcp://", "udp://", "sctp://")
ADDRESS = re.compile(r"unix:.+|(dns:///)?(\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):[0-9]{1,5}")
ORIGIN = re.compile(r"\*|https?://[^\s/,A-Z]+")
"""As browsers send it: scheme, host in lower case, and the port where it is not the scheme's own."""
LISTS = (
    "allowed_operations",
    "cors_origins",
    "required_models",
    "tfserving_addresses",
    "tfserving_models",
    "trusted_keys",
)
"""Settings of several values; outside the file they are written with commas."""


class Settings(AccessSettings, ConnectionSettings, TrustSettings):
    """Every setting, its unit in its name and the reason for its default beside it.

    In the environment a setting is `PENSTOCK_` and its name in capitals; in `penstock.toml` and on the command
    line it has its own name.
    """

    models: Path = Path("models")
    """The model directory, where `penstock train` publishes by default."""

    backend: Literal["embedded", "tfserving", "in_memory"] = "embedded"
    """What runs the models; `embedded` needs nothing beside this process."""

    host: str = "127.0.0.1"
    """The address to listen on. One that others reach needs `api_keys`, `token_issuer` or `allow_anonymous`."""

    port: int = Field(default=8080, ge=0, le=65535)
    """The REST port; 0 takes a free one and prints it."""

    grpc_port: int = Field(default=8500, ge=0, le=65535)
    """The port of every gRPC service, TensorFlow Serving's usual one; 0 takes a free one and prints it."""

    workers: int = Field(default=1, ge=1, le=256)
    """Processes on the ports: one for every core that is to answer; each has its own models in memory."""

    tfserving_addresses: tuple[str, ...] = Field(default=(), validate_default=True)
    """TensorFlow Serving's gRPC ports: `host:port`, `dns:///name:port` for every address of a name, `unix:/path`."""

    tfserving_models: tuple[str, ...] = ()
    """Models to ask the model servers for beside those of the model directory; these are served as raw tensors."""

    tfserving_tls_ca: Path | None = None
    """Authorities (PEM) that sign the model servers' certificates; named, it turns TLS on. None: a private network."""

    tfserving_tls_cert: Path | None = None
    """The gateway's own certificate (PEM), for model servers that ask for one; together with its key."""

    tfserving_tls_key: Path | None = Field(default=None, validate_default=True)
    """The key (PEM) of `tfserving_tls_cert`."""

    tfserving_max_message_bytes: Count = 64 * 1024 * 1024
    """The largest message to or from a model server: 64 images of 224 x 224 x 3 floats are 39 MB."""

    tfserving_retry_fraction: float = Field(default=0.1, ge=0.0, le=1.0)
    """Retries on another replica, at most, as a part of all calls: a lost replica needs few. 0 turns them off."""

    max_body_bytes: Count = 16 * 1024 * 1024
    """The largest request body: some sixteen 224 x 224 x 3 images written out as numbers, or many more as JPEG."""

    grpc_max_request_bytes: Count = 16 * 1024 * 1024
    """The largest gRPC message read, and the most one tensor may take once a short list is repeated to its shape."""

    grpc_max_answer_bytes: Count = 64 * 1024 * 1024
    """The largest gRPC message sent. Clients refuse more than 4 MB unless told otherwise."""

    grpc_tensor_content: bool = False
    """Answer Predict with `tensor_content`: quicker for large outputs, unseen by clients that read `float_val`."""

    max_batch_rows: Count = 64
    """The largest batch: past 64 rows a small dense model on a CPU gains little more per row."""

    max_in_flight_batches: Count = 2
    """Backend calls at once, at most, shared out among workers: one computes while the next is put together."""

    max_queue_rows: Count = 8192
    """Rows that may wait, at each worker; more get 503. At 10,000 rows/s that is under a second of waiting."""

    max_queue_bytes: Count = 256 * 1024 * 1024
    """Bytes of decoded tensors that may wait: what a burst may cost in memory. Shared out among workers."""

    request_timeout_seconds: Positive = 30.0
    """The deadline of a request that brings none (`X-Request-Timeout-Ms`); none may ask for more."""

    drain_seconds: Positive = 20.0
    """How long a stop waits for requests under way; under the 30 s that Kubernetes leaves a pod."""

    poll_seconds: Positive = 1.0
    """How often the model directory is looked at: new versions and moved labels show within about this."""

    control_socket: Path | None = None
    """A Unix socket for its owner alone (0600), by which `penstock record` reaches this gateway. None: no socket."""

    cors_origins: tuple[str, ...] = ()
    """Origins whose pages may ask (`https://app.example.com`), or `*` for all. None: only pages from this gateway."""

    required_models: tuple[str, ...] = ()
    """Models that must have been live once before `/readyz` says ready; none named: any one model will do."""

    model: Mapping[str, ModelSettings] = {}
    """What is different for single models, `[model.<name>]`; one that is not published yet may be named."""

    prediction_log: Path | None = Field(default=None, validate_default=True)
    """A folder for samples of what models are asked and answer: `prediction_log_share` of each. None: none are kept."""

    prediction_log_format: Literal["jsonl", "parquet"] = "jsonl"
    """`jsonl` loses less to a crash and is read by anything; `parquet` is smaller and needs the extra of that name."""

    prediction_log_file_bytes: Count = 64 * 1024 * 1024
    """A file of the prediction log ends at this size: a few minutes to copy, a few seconds to read."""

    prediction_log_file_seconds: Positive = 3600.0
    """A file of the prediction log ends at this age, so that what a day brought is there the next."""

    prediction_log_total_bytes: Count = 4 * 1024 * 1024 * 1024
    """What ended files may take together, those of all workers: past it the oldest go. A full disk stops more."""

    drift_window_rows: Count = 10_000
    """Sampled rows that drift is reckoned over, those of all workers: so many that chance alone moves it little."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """`info` says what is served and what changes; a line for each request is `access_log`'s."""

    log_format: Literal["auto", "json", "text"] = "auto"
    """How a line of the log looks: `json` for programs, `text` for people; `auto` is text at a terminal alone."""

    access_log: bool = False
    """A line for each request, or for some: `access_log_share`. Off, it costs nothing."""

    access_log_share: Share = 1.0
    """Of the requests that went well, how many get a line; those that did not always do. 0: only those."""

    tracing_endpoint: str | None = Field(default=None, pattern=r"^https?://[^\s/]+(/.*)?$")
    """Where traces go by OTLP over HTTP, as `http://localhost:4318`; needs the extra `tracing`. None: no traces."""

    tracing_sample_ratio: Share = 0.01
    """Of the requests whose caller has not decided, how many are traced: one in a hundred shows what is usual."""

    @field_validator("prediction_log")
    @classmethod
    def _folder_for_shares(cls, folder: Path | None, info: ValidationInfo) -> Path | None:
        logged = [name for name, model in info.data.get("model", {}).items() if model.prediction_log_share]
        if logged and folder is None:
            raise ValueError(f"models have a prediction_log_share ({', '.join(logged)}) and there is no folder for it")
        return folder

    @field_validator("backend")
    @classmethod
    def _trust_where_models_are_loaded(cls, backend: str, info: ValidationInfo) -> str:
        if backend != "embedded" and (info.data.get("require_signatures") or info.data.get("allowed_operations")):
            raise ValueError(
                f"with {backend} the gateway loads no model, so require_signatures and allowed_operations bind nobody; "
                "give them to `penstock mirror` and `penstock model-server config`"
            )
        return backend

    @field_validator("tfserving_addresses")
    @classmethod
    def _addresses(cls, addresses: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if info.data.get("backend") == "tfserving" and not addresses:
            raise ValueError("the backend tfserving needs the address of a model server, such as localhost:8500")
        for address in addresses:
            if not ADDRESS.fullmatch(address):
                raise ValueError(f"{address!r} is no address; host:port, dns:///name:port or unix:/path")
        return addresses

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} is no origin; https://host, http://host:port in lower case, or *")
        return origins

    @field_validator("tfserving_tls_key")
    @classmethod
    def _key_with_certificate(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        if (key is None) != (info.data.get("tfserving_tls_cert") is None):
            raise ValueError("tfserving_tls_cert and tfserving_tls_key belong together")
        if key is not None and info.data.get("tfserving_tls_ca") is None:
            raise ValueError("a certificate of the gateway's own needs tfserving_tls_ca, which turns TLS on")
        return key

    @property
    def model_timeouts(self) -> dict[str, float]:
        """`request_timeout_seconds` of the models that have their own."""
        return {
            name: model.request_timeout_seconds
            for name, model in self.model.items()
            if model.request_timeout_seconds is not None
        }


def load_settings(
    file: Mapping[str, object], environment: Mapping[str, str], arguments: Mapping[str, object]
) -> Settings:
    """The settings of all three sources; raises InvalidSettings that lists every fault with its source."""
    from_environment, arguments = _with_lists(_from_environment(environment)), _with_lists(arguments)
    refused = [f"{PREFIX}MODEL: settings of one model stand in the file"] if "model" in from_environment else []
    try:
        settings = Settings.model_validate({**file, **from_environment, **arguments, "model": file.get("model", {})})
    except ValidationError as error:
        raise InvalidSettings("; ".join([*refused, *_faults(error, from_environment, arguments)])) from error
    if refused:
        raise InvalidSettings(refused[0])
    return settings


def _with_lists(source: Mapping[str, object]) -> dict[str, object]:
    lists = {name: text for name in LISTS if isinstance(text := source.get(name), str)}
    return {
        **source,
        **{name: tuple(part.strip() for part in text.split(",") if part.strip()) for name, text in lists.items()},
    }


def _from_environment(environment: Mapping[str, str]) -> dict[str, object]:
    """Kubernetes also sets PENSTOCK_PORT itself, to an address such as tcp://10.0.0.7:8080: no port of ours."""
    return {
        key.removeprefix(PREFIX).lower(): value
        for key, value in environment.items()
        if key.startswith(PREFIX)
        and not NOT_OURS.fullmatch(key.removeprefix(PREFIX))
        and not value.startswith(SERVICE_ADDRESSES)
    }


def _faults(error: ValidationError, environment: Mapping[str, object], arguments: Mapping[str, object]) -> list[str]:
    lines = []
    for fault in error.errors(include_url=False, include_context=False):
        if fault["loc"][:1] == ("model",):
            lines.append(_model_fault(fault))
            continue
        name = str(fault["loc"][0]) if fault["loc"] else "settings"
        source = name
        if name in arguments:
            source = f"--{name.replace('_', '-')}"
        elif name in environment:
            source = PREFIX + name.upper()
        unknown = f"no such setting; there are {', '.join(Settings.model_fields)}"
        text = fault["msg"].removeprefix("Value error, ") if name in Settings.model_fields else unknown
        if name == "models" and isinstance(fault["input"], Mapping):
            text = "a table; the settings of one model stand under [model.<name>]"
        lines.append(f"{source}: {text}")
    return lines


def _model_fault(fault: Any) -> str:
    """By its path, such as `model.digits.max_batch_rows`."""
    path = ".".join(map(str, fault["loc"]))
    if fault["type"] == "extra_forbidden":
        return f"{path}: no such setting of a model; there are {', '.join(ModelSettings.model_fields)}"
    return f"{path}: {fault['msg']}"
