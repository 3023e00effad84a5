"""Models in miniature, as the gateway describes them, and a way to run a flow without any transport."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from penstock_client.messages import Flow, Request, Response, Result

Metadata = Callable[..., dict[str, Any]]


@dataclass
class Script:
    """Runs flows against answers written beforehand and keeps what was asked."""

    answers: list[Response]
    asked: list[Request] = field(default_factory=list)

    def run(self, flow: Flow[Result]) -> Result:
        try:
            self.asked.append(next(flow))
            while True:
                self.asked.append(flow.send(self.answers.pop(0)))
        except StopIteration as stop:
            result: Result = stop.value
            return result

    @property
    def paths(self) -> list[str]:
        return [f"{request.method} {request.path}" for request in self.asked]


def good(body: Any, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(200, named, json.dumps(body).encode())


@pytest.fixture
def answer() -> Callable[..., Response]:
    """A 200 with a JSON body and headers (`x_model_version="3"`)."""
    return good


@pytest.fixture
def script() -> Callable[..., Script]:
    return lambda *answers: Script(list(answers))


@pytest.fixture
def shapes_metadata() -> Metadata:
    """A classifier of 2 x 2 images."""

    def body(version: int = 3, labels: tuple[str, ...] = ("circle", "square", "star")) -> dict[str, Any]:
        manifest = {
            "description": "what is drawn",
            "features": [{"kind": "image", "name": "image", "dtype": "float32", "shape": [2, 2], "description": ""}],
            "outputs": {"task": "classification", "labels": list(labels)},
            "signatures": {"serving_default": _signature("image", [2, 2], "probabilities", [len(labels)])},
            "golden_examples": [],
        }
        return _metadata("shapes", version, {"signature_def": {}, "manifest": manifest})

    return body


@pytest.fixture
def house_metadata() -> Metadata:
    """A regressor of two numbers and a category."""

    def body(version: int = 1) -> dict[str, Any]:
        manifest = {
            "features": [
                {"kind": "number", "name": "area", "dtype": "float32", "unit": "m2"},
                {"kind": "number", "name": "rooms", "dtype": "int64"},
                {"kind": "category", "name": "town", "dtype": "string"},
            ],
            "outputs": {"task": "regression", "target": "price", "unit": "EUR"},
            "signatures": {"serving_default": _signature("area", [], "value", [1])},
        }
        return _metadata("house", version, {"signature_def": {}, "manifest": manifest})

    return body


@pytest.fixture
def bare_metadata() -> Metadata:
    """A model without a manifest, in TensorFlow Serving's own words: rows of 3 numbers, two outputs."""

    def body(version: int = 1) -> dict[str, Any]:
        sizes = [{"size": "-1", "name": ""}, {"size": "3", "name": ""}]
        tensor: Mapping[str, Any] = {"dtype": "DT_FLOAT", "tensor_shape": {"dim": sizes, "unknown_rank": False}}
        signature = {"inputs": {"x": tensor}, "outputs": {"mean": tensor, "spread": tensor}}
        return _metadata("bare", version, {"signature_def": {"signature_def": {"serving_default": signature}}})

    return body


def _signature(name: str, shape: list[int], output: str, output_shape: list[int]) -> dict[str, Any]:
    return {
        "inputs": [{"name": name, "dtype": "float32", "row_shape": shape}],
        "outputs": [{"name": output, "dtype": "float32", "row_shape": output_shape}],
    }


def _metadata(model: str, version: int, metadata: dict[str, Any]) -> dict[str, Any]:
    spec = {"name": model, "signature_name": "", "version": str(version)}
    return {"model_spec": spec, "metadata": metadata}
