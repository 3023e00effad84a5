"""Status, metadata, the list of models, health, and what routing itself refuses, through the whole application."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from serving.app import create_app
from serving.backends.in_memory import InMemoryBackend
from serving.contract.manifest import Manifest
from serving.settings import Settings
from tests.unit.serving.gateway_parts import LIVE, Answer, answered, ask, doubled

Get = Callable[..., Answer]


@pytest.fixture
def get(tmp_path: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]) -> Get:
    """One request to a gateway with versions 1 and 2 of `doubles`, 1 being stable; live unless told otherwise."""
    for version in (1, 2):
        write_version(manifest_with(version=version))
    (tmp_path / "models/doubles/labels.json").write_text('{"stable": 1, "next": 9}')

    async def call(path: str, request: dict[str, Any], *, live: bool) -> Answer:
        backend = InMemoryBackend(LIVE, doubled)
        app: FastAPI = create_app(
            Settings(models=tmp_path / "models", required_models=("doubles",), grpc_port=0), backend=backend
        )
        if live:
            await backend.start(app.state.gateway.catalog.renew)
        return answered(await ask(app, path, **{"method": "GET", **request}))

    return lambda path, live=True, **request: asyncio.run(call(path, request, live=live))


def test_the_models_are_listed_with_live_versions_and_labels(get: Get) -> None:
    listed = [{"name": "doubles", "versions": ["1", "2"], "labels": {"stable": 1, "next": 9}, "moving": {"next": 9}}]
    assert get("/v1/models").json == {"models": listed}


def test_status_is_tensorflow_servings_newest_first(get: Get) -> None:
    fine = {"state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    expected = [{"version": "2", **fine}, {"version": "1", **fine}]
    assert get("/v1/models/doubles").json == {"model_version_status": expected}


@pytest.mark.parametrize("named", ["versions/1", "labels/stable"])
def test_status_of_one_version_is_only_its_own(get: Get, named: str) -> None:
    statuses = get(f"/v1/models/doubles/{named}").json["model_version_status"]
    assert [status["version"] for status in statuses] == ["1"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/v1/models/nope", "Could not find any versions of model nope"),
        ("/v1/models/nope/metadata", "Could not find any versions of model nope"),
        ("/v1/models/doubles/versions/7", "Could not find version 7 of model doubles"),
        ("/v1/models/doubles/versions/7/metadata", "Could not find version 7 of model doubles"),
        ("/v1/models/doubles/labels/x", "Unrecognized servable version label: x"),
    ],
)
def test_what_is_not_there_is_404_in_tensorflow_servings_words(get: Get, path: str, message: str) -> None:
    answer = get(path, headers={"x-request-id": "mine-7"})
    assert (answer.status, answer.json["error"], answer.headers["x-request-id"]) == (404, message, "mine-7")


def test_metadata_has_the_doubled_key_and_the_public_manifest(get: Get) -> None:
    answer = get("/v1/models/doubles/metadata").json
    assert answer["model_spec"] == {"name": "doubles", "signature_name": "", "version": "1"}
    signature = answer["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["inputs"]["x"]["dtype"] == "DT_FLOAT"
    sizes = [dim["size"] for dim in signature["outputs"]["value"]["tensor_shape"]["dim"]]
    assert sizes == ["-1", "1"]
    manifest = answer["metadata"]["manifest"]
    assert manifest["features"][0]["name"] == "x"
    assert not manifest.keys() & {"lineage", "files", "job_sha256", "frameworks"}


def test_prediction_goes_to_the_stable_version(get: Get) -> None:
    answer = get("/v1/models/doubles:predict", method="POST", body={"instances": [4]})
    assert (answer.json, answer.headers["x-model-version"]) == ({"predictions": [[8.0]]}, "1")


def test_a_label_on_a_missing_version_is_not_ready(get: Get) -> None:
    answer = get("/v1/models/doubles/labels/next:predict", method="POST", body={"instances": [4]})
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert answer.json["error"] == "version 9 of model doubles is not available (not loaded)"


@pytest.mark.parametrize(("path", "method", "status"), [("/nowhere", "GET", 404), ("/v1/models", "POST", 405)])
def test_what_routing_refuses_looks_like_every_other_error(get: Get, path: str, method: str, status: int) -> None:
    answer = get(path, method=method)
    assert (answer.status, answer.json["code"]) == (status, "HttpError")
    assert answer.json["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("path", "live", "status"),
    [("/livez", False, 200), ("/healthz", False, 200), ("/readyz", False, 503), ("/startupz", False, 503),
     ("/readyz", True, 200), ("/startupz", True, 200)],
)  # fmt: skip
def test_alive_is_the_process_and_ready_is_the_models(get: Get, path: str, status: int, *, live: bool) -> None:
    assert get(path, live=live).status == status


def test_the_metrics_page_tells_the_models_state(get: Get) -> None:
    page = get("/metrics").body.decode()
    assert 'penstock_model_state{model_name="doubles",model_version="2",state="AVAILABLE"} 1.0' in page
    assert 'penstock_model_info{awaited_by="",labels="stable",model_name="doubles",model_version="1"} 1.0' in page
