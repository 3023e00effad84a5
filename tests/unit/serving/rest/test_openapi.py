"""The document against the application it describes."""

import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.routing import BaseRoute, Route

from serving.app import create_app
from serving.backends.in_memory import InMemoryBackend, zeros_of_shape
from serving.catalog import Servable
from serving.contract.manifest import GoldenExample, Manifest, Tolerance
from serving.settings import Settings
from serving.welcome import example_command


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return create_app(Settings(models=Path("nowhere")), backend=InMemoryBackend({}, zeros_of_shape({})))


@pytest.fixture(scope="module")
def document(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


def described_routes(routes: list[BaseRoute]) -> Iterator[Route]:
    """Those of included routers too; pages and files about the API are not part of it."""
    for route in routes:
        if isinstance(route, Route) and route.include_in_schema:
            yield route
        if included := getattr(route, "original_router", None):
            yield from described_routes(included.routes)


def test_every_route_is_described(app: FastAPI, document: dict[str, Any]) -> None:
    routes = {
        (route.path, method) for route in described_routes(app.router.routes) for method in route.methods or {"POST"}
    }
    described = {(path, method.upper()) for path, operations in document["paths"].items() for method in operations}
    assert described == {(path, method) for path, method in routes if method != "HEAD"}
    assert len(described) >= 15


def test_operations_are_named_once_each(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for operations in document["paths"].values() for operation in operations.values()]
    assert len(names) == len(set(names))


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    names = json.dumps(document).split('"#/components/schemas/')[1:]
    assert names
    assert {name.split('"')[0] for name in names} <= document["components"]["schemas"].keys()


def test_path_parameters_are_those_of_the_path(document: dict[str, Any]) -> None:
    operation = document["paths"]["/v1/models/{model}/labels/{label}:predict"]["post"]
    in_path = [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"]
    assert in_path == ["model", "label"]


def test_the_welcomes_example_is_a_request_as_described(
    document: dict[str, Any], manifest_with: Callable[..., Manifest]
) -> None:
    golden = GoldenExample(instance={"x": 1.0}, outputs={}, tolerance=Tolerance(absolute=0, relative=0))
    servable = Servable("doubles", 1, manifest_with(golden_examples=(golden,)), {})
    body = json.loads(shlex.split(example_command(servable, "http://h") or "")[-1])
    schema = document["components"]["schemas"]["PredictRequest"]
    assert body.keys() == {"instances"} <= schema["properties"].keys()
    assert len(body["instances"]) >= schema["properties"]["instances"]["minItems"]
