"""A running gateway, asked over HTTP by what promotes and rolls back. Sends and reads; decides nothing.

Every call opens a connection of its own: a connection stays with one worker, and all of them are to be met.
"""

import math
import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType, TracebackType
from typing import Any, Self

import httpx2
import numpy as np
import orjson
from pydantic import JsonValue

from serving.access.key_argument import OPTION, VARIABLE, key_headers
from serving.backend_protocol import Arrays, VersionState
from serving.contract.tensors import Array
from serving.errors import (
    BackendRejected,
    BackendUnavailable,
    DeadlineExceeded,
    Forbidden,
    ModelNotReady,
    Overloaded,
    PayloadTooLarge,
    PenstockError,
    Unauthenticated,
)
from serving.promotion.gateway_protocol import Answers, Mirrored, VersionSeen
from serving.traffic.figures import VersionFigures, figures_from

DEFAULT_URL = "http://127.0.0.1:8080"
TIMEOUT_SECONDS = 60.0
"""For one call: a first batch of a size may take a graph's compilation, seconds long."""
MISSED_ONCE_IN = 1000.0
_DIRECT: Mapping[str, None] = MappingProxyType({"all://localhost": None, "all://127.0.0.1": None, "all://[::1]": None})
"""A gateway on this machine is never asked through the proxy that HTTP_PROXY names."""
_WORKERS = re.compile(r"^penstock_workers (\S+)$", re.MULTILINE)


class HttpGateway:
    """The gateway at `url`, such as `http://127.0.0.1:8080`; closed with the block it is entered for.

    Asked with `api_key`: what the gateway does not let its caller do raises Unauthenticated or Forbidden.
    """

    def __init__(self, url: str, *, api_key: str | None = None, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self.url = url.rstrip("/")
        self._http = httpx2.Client(
            headers=key_headers(api_key),
            timeout=timeout_seconds,
            mounts=_DIRECT,
            limits=httpx2.Limits(max_keepalive_connections=0),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._http.close()

    def looks(self) -> int:
        found = _WORKERS.search(self._ask("GET", "/metrics").text)
        workers = int(float(found[1])) if found else 1
        return 1 if workers <= 1 else math.ceil(workers * math.log(workers * MISSED_ONCE_IN))

    def version(self, model: str, version: int) -> VersionSeen | None:
        answer = self._ask("GET", f"/v1/models/{model}/versions/{version}")
        if answer.status_code == httpx2.codes.NOT_FOUND:
            return None
        for status in _read(answer)["model_version_status"]:
            return VersionSeen(VersionState(status["state"]), status["status"]["error_message"])
        return None

    def max_batch_rows(self, model: str, version: int) -> int:
        return int(_read(self._ask("GET", f"/v2/models/{model}/versions/{version}/config"))["max_batch_size"])

    def predict(self, model: str, name: int | str, instances: Sequence[JsonValue]) -> Answers:
        kind = "versions" if isinstance(name, int) else "labels"
        answer = self._ask("POST", f"/v1/models/{model}/{kind}/{name}:predict", {"instances": list(instances)})
        rows = _read(answer)["predictions"]
        return Answers(int(answer.headers["x-model-version"]), tuple(rows))

    def replay(self, model: str, version: int, signature: str, inputs: Arrays) -> Arrays:
        body = {"signature_name": signature, "inputs": {name: _column(array) for name, array in inputs.items()}}
        answer = _read(self._ask("POST", f"/v1/models/{model}/versions/{version}:predict", body))["outputs"]
        outputs = answer if isinstance(answer, dict) else {"": answer}
        return {name: _array(column) for name, column in outputs.items()}

    def figures(self, model: str) -> Mapping[int, VersionFigures]:
        versions = _read(self._ask("GET", f"/v2/models/{model}/stats"))["traffic"]["versions"]
        return {int(version): figures_from(document) for version, document in versions.items()}

    def mirrored(self, model: str, version: int) -> Mirrored | None:
        shadow = _read(self._ask("GET", f"/v2/models/{model}/stats"))["traffic"]["shadow"]
        if shadow is None or shadow["version"] != version:
            return None
        return Mirrored(shadow["compared"], shadow["different"], shadow["failed"], shadow["reason"])

    def answering(self, model: str, label: str | None) -> int | None:
        if label is None:
            answer = self._ask("GET", f"/v1/models/{model}/metadata")
            return int(answer.json()["model_spec"]["version"]) if answer.is_success else None
        answer = self._ask("GET", f"/v1/models/{model}/labels/{label}")
        if answer.status_code == httpx2.codes.NOT_FOUND:
            return None
        available = [each for each in _read(answer)["model_version_status"] if each["state"] == VersionState.AVAILABLE]
        return int(available[0]["version"]) if available else None

    def _ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> httpx2.Response:
        try:
            answer = self._http.request(method, self.url + path, json=body)
        except httpx2.TimeoutException as error:
            raise DeadlineExceeded(f"{self.url} gave no answer within {self._http.timeout.read:g} s") from error
        except httpx2.TransportError as error:
            raise BackendUnavailable(f"no gateway answers at {self.url} ({error})") from error
        refused = _NOT_LET_IN.get(answer.status_code)
        if refused is not None:
            raise refused(f"{self.url}{path} answered {answer.status_code}: {_message(answer)}; {_REMEDY}")
        return answer


_NOT_LET_IN: Mapping[int, type[PenstockError]] = MappingProxyType({401: Unauthenticated, 403: Forbidden})
_REMEDY = (
    f"{OPTION} or {VARIABLE} names the key to ask with, and it must be for this model and the verbs predict, read and "
    "metrics (`penstock keys new NAME --verbs predict,read,metrics`)"
)
_ERRORS: Mapping[str, Callable[[str], PenstockError]] = MappingProxyType(
    {
        "DeadlineExceeded": DeadlineExceeded,
        "ModelNotReady": ModelNotReady,
        "Overloaded": lambda message: Overloaded(message, retry_after_seconds=1.0),
        "PayloadTooLarge": PayloadTooLarge,
        "QuotaExceeded": lambda message: Overloaded(message, retry_after_seconds=1.0),  # it ends by waiting, too
    }
)
"""By the `code` of a gateway's refusal: those that mean something other than that the request is wrong."""


def _read(answer: httpx2.Response) -> Any:
    """Raises what a refusal says, or BackendRejected for what is no answer of a gateway."""
    try:
        document = answer.json()
    except ValueError as error:
        raise BackendRejected(f"{answer.url} answered {answer.status_code} and no JSON; is it a gateway?") from error
    if answer.is_success:
        return document
    message, code = document.get("error", ""), document.get("code", "")
    raise _ERRORS.get(code, BackendRejected)(f"{answer.url.path} answered {answer.status_code}: {message}")


def _message(answer: httpx2.Response) -> str:
    """What a refusal says, as far as it is a gateway's."""
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return "no more than that"


def _column(array: Array) -> object:
    """As JSON has it: bytes in base64, and a number that is absent (NaN) as null."""
    if array.dtype == object:
        return _encoded(array.tolist())
    return orjson.loads(orjson.dumps(np.ascontiguousarray(array), option=orjson.OPT_SERIALIZE_NUMPY))


def _encoded(value: object) -> object:
    if isinstance(value, list):
        return [_encoded(part) for part in value]
    return {"b64": b64encode(value).decode()} if isinstance(value, bytes) else value


def _array(column: object) -> Array:
    """Numbers as float64, null as NaN; text and what is ragged as objects."""
    try:
        return np.array(column, np.float64)
    except (TypeError, ValueError):
        return np.array(column, object)
