"""A gateway in the app's own process, whose models are functions: for the tests of apps that use this client.

    models = ScriptedModels(Classifier("digits", "0123456789", lambda image: "7", features=[image_feature(8, 8)]))
    client = models.client()

No network and no waiting: the client is the real one, and time is `models.clock`, which stands still but for what
somebody waits.
"""

import json
import re
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from types import MappingProxyType
from typing import Any, TypeAlias, Unpack
from urllib.parse import unquote

from penstock_client import errors, npy
from penstock_client.async_client import AsyncClient
from penstock_client.client import Client
from penstock_client.in_process import FakeClock, InProcess
from penstock_client.messages import Request, Response
from penstock_client.metadata import Feature
from penstock_client.prediction import PROBABILITIES, VALUE
from penstock_client.settings import SettingsArguments

__all__ = ["Classifier", "Regressor", "ScriptedModels", "image_feature", "number_features"]

URL = "http://gateway.test"
_PATH = re.compile(
    r"/v1/models/(?P<model>[^/:]+)(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?(?P<call>:predict|/metadata)?"
)

STATUSES: Mapping[type[errors.PenstockError], int] = MappingProxyType(
    {
        errors.PayloadTooLarge: 413,
        errors.UnsupportedMediaType: 415,
        errors.InvalidInput: 400,
        errors.UnknownModel: 404,
        errors.UnknownVersion: 404,
        errors.ModelNotReady: 503,
        errors.Overloaded: 503,
        errors.DeadlineExceeded: 504,
        errors.QuotaExceeded: 429,
        errors.Unauthenticated: 401,
        errors.Forbidden: 403,
        errors.BackendUnavailable: 503,
        errors.BackendOverloaded: 503,
        errors.BackendError: 500,
        errors.IntegrityError: 500,
        errors.InternalError: 500,
    }
)
"""As the gateway answers; a class that is not here goes by its parent."""


@dataclass(frozen=True, slots=True)
class Classifier:
    """`answer` is given a row and names its label, or the probability of each label.

    A row is what the client sent: a record, numbers, a string, the bytes of an image.
    """

    name: str
    labels: Sequence[str]
    answer: Callable[[Any], str | Mapping[str, float]]
    features: Sequence[Feature] = ()
    version: int = 1

    @property
    def outputs(self) -> dict[str, Any]:
        return {"task": "classification", "labels": list(self.labels)}

    def predicted(self, row: Any) -> list[float]:
        said = self.answer(row)
        scores = {said: 1.0} if isinstance(said, str) else said
        unknown = sorted(set(scores) - set(self.labels))
        if unknown:
            raise ValueError(f"the answer has the labels {unknown}, which {self.name} has not")
        return [scores.get(label, 0.0) for label in self.labels]


@dataclass(frozen=True, slots=True)
class Regressor:
    """`answer` is given a row, as a Classifier's is, and says its value."""

    name: str
    answer: Callable[[Any], float]
    target: str = "value"
    unit: str = ""
    features: Sequence[Feature] = ()
    version: int = 1

    @property
    def outputs(self) -> dict[str, Any]:
        return {"task": "regression", "target": self.target, "unit": self.unit}

    def predicted(self, row: Any) -> list[float]:
        return [self.answer(row)]


Model: TypeAlias = Classifier | Regressor


def image_feature(*shape: int, name: str = "image") -> Feature:
    """An image of so many rows, columns and, where it has colours, channels."""
    return Feature(kind="image", name=name, dtype="float32", shape=shape)


def number_features(*names: str) -> tuple[Feature, ...]:
    return tuple(Feature(kind="number", name=name, dtype="float32") for name in names)


class ScriptedModels:
    """Answers as the gateway does, by functions. `asked` has every request so far.

    What an `answer` function raises of PenstockError's family is answered as the gateway would answer it; any other
    exception is the test's own mistake, and comes through. A model's newest version answers unless the call says.
    """

    def __init__(self, *models: Model) -> None:
        self.clock = FakeClock()
        self.asked: list[Request] = []
        self.takes_seconds = 0.0
        """How long each prediction takes, by `clock`."""
        self._models: dict[str, dict[int, Model]] = {}
        self._labels: dict[tuple[str, str], int] = {}
        self._failures: list[errors.PenstockError] = []
        self._numbers = count(1)
        for model in models:
            self.publish(model)

    def publish(self, model: Model) -> None:
        self._models.setdefault(model.name, {})[model.version] = model

    def point(self, model: str, label: str, version: int) -> None:
        """From now on `label` of `model` is this version."""
        self._labels[model, label] = version

    def fail(self, error: errors.PenstockError, *, times: int = 1) -> None:
        """The next `times` requests for predictions end in `error`; ConnectionFailed without an answer."""
        self._failures += [error] * times

    def client(self, **settings: Unpack[SettingsArguments]) -> Client:
        return Client(URL, **self._wired(settings))

    def async_client(self, **settings: Unpack[SettingsArguments]) -> AsyncClient:
        return AsyncClient(URL, **self._wired(settings))

    def _wired(self, settings: SettingsArguments) -> SettingsArguments:
        return {"transport": InProcess(self, clock=self.clock), "clock": self.clock, **settings}

    def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        request_id = request.headers.get("x-request-id") or f"request-{next(self._numbers)}"
        try:
            return self._answer(request, request_id)
        except errors.ConnectionFailed:
            raise
        except errors.PenstockError as error:
            return _refusal(error, request_id)

    def _answer(self, request: Request, request_id: str) -> Response:
        if request.path == "/v1/models":
            return _json(
                {"models": [{"name": name, "versions": sorted(self._models[name])} for name in sorted(self._models)]}
            )
        found = _PATH.fullmatch(request.path)
        if found is None:
            return Response(404, {}, b'{"detail": "Not Found"}')
        model = self._found(unquote(found["model"]), found["version"], found["label"])
        if found["call"] == "/metadata":
            return _json(_metadata(model))
        if found["call"] == ":predict":
            return self._predicted(model, request, request_id)
        states = [{"version": str(version), "state": "AVAILABLE"} for version in sorted(self._models[model.name])]
        return _json({"model_version_status": states})

    def _found(self, name: str, version: str | None, label: str | None) -> Model:
        versions = self._models.get(name)
        if versions is None:
            raise errors.UnknownModel(f"Could not find any versions of model {name}")
        number = int(version) if version else self._labels.get((name, unquote(label)), 0) if label else max(versions)
        if number not in versions:
            raise errors.UnknownVersion(f"Could not find version {version or label} of model {name}")
        return versions[number]

    def _predicted(self, model: Model, request: Request, request_id: str) -> Response:
        self.clock.advance(self.takes_seconds)
        if self._failures:
            raise self._failures.pop(0)
        rows = [model.predicted(row) for row in _rows(request, model)]
        timing = f"backend;dur={self.takes_seconds * 1e3:.3f}"
        headers = {"x-model-version": str(model.version), "x-request-id": request_id, "server-timing": timing}
        return _json({"predictions": rows}, headers)


def _rows(request: Request, model: Model) -> list[Any]:
    names = [feature.name for feature in model.features]
    if request.headers.get("content-type") == npy.MEDIA_TYPE:
        array = npy.read_npy(request.body)
        rows = [array[row] for row in range(len(array))]
        return [dict(zip(names, row, strict=True)) for row in rows] if len(names) > 1 else rows
    rows = json.loads(request.body)["instances"]
    if len(names) == 1:  # the gateway takes a record for a bare value, and both are the same row
        rows = [row[names[0]] if isinstance(row, dict) and row.keys() == set(names) else row for row in rows]
    return [_decoded(row) for row in rows]


def _decoded(value: Any) -> Any:
    """The bytes that `{"b64": ...}` stands for, in a record too."""
    if not isinstance(value, dict):
        return value
    if value.keys() == {"b64"}:
        return b64decode(value["b64"])
    return {name: _decoded(each) for name, each in value.items()}


def _metadata(model: Model) -> dict[str, Any]:
    output = PROBABILITIES if isinstance(model, Classifier) else VALUE
    manifest = {
        "features": [asdict(feature) for feature in model.features],
        "outputs": model.outputs,
        "signatures": {"serving_default": {"outputs": [{"name": output}]}},
    }
    return {
        "model_spec": {"name": model.name, "version": str(model.version)},
        "metadata": {"signature_def": {}, "manifest": manifest},
    }


def _refusal(error: errors.PenstockError, request_id: str) -> Response:
    status = next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), None)
    if status is None:
        raise error
    body = {"error": error.message, "code": type(error).__name__, "request_id": request_id}
    told = error.retry_after_seconds
    headers = {} if told is None else {"retry-after": f"{told:g}"}
    return Response(status, headers, json.dumps(body | ({"field": error.field} if error.field else {})).encode())


def _json(body: Any, headers: Mapping[str, str] | None = None) -> Response:
    return Response(200, {"content-type": "application/json", **(headers or {})}, json.dumps(body).encode())
