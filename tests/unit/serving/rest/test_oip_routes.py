"""The Open Inference Protocol over REST, through the whole application around the in-memory backend."""

import asyncio
import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from serving.app import create_app
from serving.backend_protocol import Arrays, Target
from serving.backends.in_memory import InMemoryBackend
from serving.contract.features import CategoryFeature, ImageFeature, NumberFeature
from serving.contract.manifest import Manifest
from serving.contract.tensors import Array, Signature, TensorSpec
from serving.settings import Settings
from tests.unit.serving.gateway_parts import Answer, answered, ask

FEATURES = (
    ImageFeature(name="image", shape=(2, 2)),
    NumberFeature(name="weight", range=(0, 9), default=1),
    CategoryFeature(name="colour", default="red"),
)
SIGNATURE = Signature(
    tuple(TensorSpec(f.name, f.dtype, f.row_shape) for f in FEATURES),
    (TensorSpec("total", "float32", ()), TensorSpec("word", "string", (1,))),
)
GREY = {"name": "image", "shape": [2, 2, 2], "datatype": "FP32", "data": [1, 2, 3, 4, 5, 6, 7, 8]}


def run(_: Target, inputs: Arrays) -> dict[str, Array]:
    total: Any = inputs["image"].reshape(len(inputs["image"]), -1).sum(axis=1) * inputs["weight"]
    return {"total": total.astype(np.float32), "word": inputs["colour"][:, None]}


Call = Callable[..., Answer]


@pytest.fixture
def call(tmp_path: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]) -> Call:
    for version in (1, 2):
        write_version(manifest_with(version=version, features=FEATURES, signatures={"serving_default": SIGNATURE}))
    (tmp_path / "models/doubles/labels.json").write_text('{"stable": 1, "next": 9}')

    async def asked(path: str, live: bool, options: dict[str, Any]) -> Answer:  # noqa: FBT001 - handed on
        versions = {version: {"serving_default": SIGNATURE} for version in (1, 2)}
        backend = InMemoryBackend({"doubles": versions}, run)
        app = create_app(Settings(models=tmp_path / "models"), backend=backend)
        if live:
            await backend.start(app.state.gateway.catalog.renew)
        return answered(await ask(app, path, **options))

    return lambda path, *, live=True, **options: asyncio.run(asked(path, live, options))


def infer(call: Call, *inputs: Any, path: str = "/v2/models/doubles/infer", **rest: Any) -> Answer:
    return call(path, body={"inputs": inputs, **rest})


@pytest.mark.parametrize(
    "data", [[1, 2, 3, 4, 5, 6, 7, 8], [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]], ids=["flat", "nested"]
)
def test_json_tensors_are_answered_flat_with_their_shapes(call: Call, data: list[Any]) -> None:
    answer = infer(call, {**GREY, "data": data}, id="mine")
    assert answer.status == 200
    document = answer.json
    assert (document["model_name"], document["model_version"], document["id"]) == ("doubles", "1", "mine")
    assert document["parameters"]["batch_rows"] == 2
    assert document["outputs"] == [
        {"name": "total", "datatype": "FP32", "shape": [2], "data": [10.0, 26.0]},
        {"name": "word", "datatype": "BYTES", "shape": [2, 1], "data": ["red", "red"]},
    ]


@pytest.mark.parametrize(("named", "version"), [("2", "2"), ("stable", "1")])
def test_a_version_or_a_label_may_be_named(call: Call, named: str, version: str) -> None:
    answer = infer(call, GREY, path=f"/v2/models/doubles/versions/{named}/infer")
    assert answer.json["model_version"] == version


def test_only_the_outputs_that_were_named_come_back(call: Call) -> None:
    assert [output["name"] for output in infer(call, GREY, outputs=[{"name": "word"}]).json["outputs"]] == ["word"]


@pytest.mark.parametrize(
    "tensor",
    [
        {"name": "weight", "shape": [2], "datatype": datatype, "data": [2, 3]}
        for datatype in ("INT8", "UINT32", "INT64", "FP16", "FP32", "FP64")
    ],
    ids=lambda tensor: tensor["datatype"],
)
def test_datatypes_are_taken_to_the_features_own(call: Call, tensor: dict[str, Any]) -> None:
    assert infer(call, GREY, tensor).json["outputs"][0]["data"] == [20.0, 78.0]


def binary(document: dict[str, Any], *raws: bytes) -> dict[str, Any]:
    text = json.dumps(document).encode()
    headers = {"Inference-Header-Content-Length".lower(): str(len(text))}
    return {"body": b"".join((text, *raws)), "headers": headers}


def raw_input(name: str, datatype: str, shape: list[int], size: int) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape, "parameters": {"binary_data_size": size}}


def test_raw_tensors_go_in_and_come_out_behind_the_json(call: Call) -> None:
    pixels: Array = np.arange(1, 9, dtype=np.float32)
    words = b"\x04\0\0\0blue\x03\0\0\0\xff\xfe\xfd"
    document = {
        "inputs": [raw_input("image", "FP32", [2, 2, 2], 32), raw_input("colour", "BYTES", [2], len(words))],
        "parameters": {"binary_data_output": True},
    }
    answer = call("/v2/models/doubles/infer", **binary(document, pixels.tobytes(), words))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/octet-stream")
    size = int(answer.headers["inference-header-content-length"])
    total, word = json.loads(answer.body[:size])["outputs"]
    assert (total["parameters"], word["parameters"]) == ({"binary_data_size": 8}, {"binary_data_size": len(words)})
    assert np.frombuffer(answer.body[size : size + 8], "<f4").tolist() == [10.0, 26.0]
    assert answer.body[size + 8 :] == words


def test_each_output_may_be_raw_or_json(call: Call) -> None:
    outputs = [{"name": "word"}, {"name": "total", "parameters": {"binary_data": True}}]
    answer = infer(call, GREY, outputs=outputs)
    size = int(answer.headers["inference-header-content-length"])
    assert json.loads(answer.body[:size])["outputs"][0]["data"] == ["red", "red"]
    assert np.frombuffer(answer.body[size:], "<f4").tolist() == [10.0, 26.0]


@pytest.mark.parametrize("shape", [[1], [1, 1]])
def test_an_image_may_come_as_the_bytes_of_its_file(call: Call, shape: list[int]) -> None:
    file = BytesIO()
    Image.fromarray(np.array([[1, 2], [3, 4]], np.uint8)).save(file, "PNG")
    png = file.getvalue()
    raw = len(png).to_bytes(4, "little") + png
    document = {"inputs": [raw_input("image", "BYTES", shape, len(raw))]}
    answer = call("/v2/models/doubles/infer", **binary(document, raw))
    assert answer.json["outputs"][0]["data"] == [10.0]


INFER_FAULTS: list[tuple[Any, str, str | None]] = [
    ([], "WrongDtype", None),
    ({}, "InvalidInput", "/inputs"),
    ({"inputs": []}, "InvalidInput", "/inputs"),
    ({"inputs": [7]}, "WrongDtype", "/inputs/0"),
    ({"inputs": [{**GREY, "name": 1}]}, "WrongDtype", "/inputs/0/name"),
    ({"inputs": [{**GREY, "datatype": "FP8"}]}, "WrongDtype", "/inputs/0/datatype"),
    ({"inputs": [{**GREY, "shape": []}]}, "WrongShape", "/inputs/0/shape"),
    ({"inputs": [{**GREY, "shape": [2, -2, 2]}]}, "WrongShape", "/inputs/0/shape"),
    ({"inputs": [{**GREY, "shape": [2**62, 2**62]}]}, "WrongShape", "/inputs/0/shape"),
    ({"inputs": [{**GREY, "shape": [2, 4]}]}, "WrongShape", "/inputs/0/data/0"),
    ({"inputs": [{**GREY, "shape": [9]}]}, "WrongShape", "/inputs/0/data"),
    ({"inputs": [{**GREY, "shape": [0, 2, 2], "data": []}]}, "InvalidInput", "/inputs/0/shape"),
    ({"inputs": [{k: v for k, v in GREY.items() if k != "data"}]}, "MissingField", "/inputs/0/data"),
    ({"inputs": [{**GREY, "parameters": 1}]}, "WrongDtype", "/inputs/0/parameters"),
    ({"inputs": [{**GREY, "parameters": {"binary_data_size": 4}}]}, "InvalidInput",
     "/inputs/0/parameters/binary_data_size"),
    ({"inputs": [{**GREY, "parameters": {"shared_memory_region": "r"}}]}, "InvalidInput",
     "/inputs/0/parameters/shared_memory_region"),
    ({"inputs": [{**GREY, "name": "imag"}]}, "UnknownField", "/inputs/0/name"),
    ({"inputs": [GREY, GREY]}, "InvalidInput", "/inputs/1/name"),
    ({"inputs": [{"name": "weight", "shape": [2], "datatype": "FP32", "data": [1, 2]}]}, "MissingField", "/inputs"),
    ({"inputs": [GREY, {"name": "weight", "shape": [3], "datatype": "FP32", "data": [1, 2, 3]}]}, "WrongShape",
     "/inputs/1/data"),
    ({"inputs": [GREY, {"name": "weight", "shape": [2], "datatype": "FP32", "data": [1, 10]}]}, "OutOfRange",
     "/inputs/1/data/1"),
    ({"inputs": [GREY, {"name": "weight", "shape": [2], "datatype": "BYTES", "data": ["1", "2"]}]}, "WrongDtype",
     "/inputs/1/datatype"),
    ({"inputs": [GREY], "outputs": [{"name": "sum"}]}, "UnknownField", "/outputs/0/name"),
    ({"inputs": [GREY], "outputs": ["total"]}, "WrongDtype", "/outputs/0"),
    ({"inputs": [GREY], "outputs": 3}, "WrongDtype", "/outputs"),
    ({"inputs": [GREY], "outputs": [{"name": "total", "parameters": {"classification": 2}}]}, "InvalidInput",
     "/outputs/0/parameters/classification"),
    ({"inputs": [GREY], "parameters": {"timeout": -1}}, "InvalidInput", "/parameters/timeout"),
    ({"inputs": [GREY], "id": 7}, "WrongDtype", "/id"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "code", "field"), INFER_FAULTS)
def test_a_wrong_request_is_told_where(call: Call, body: object, code: str, field: str | None) -> None:
    answer = call("/v2/models/doubles/infer", body=body)
    assert (answer.status, answer.json["code"], answer.json.get("field")) == (400, code, field), answer.json


@pytest.mark.parametrize(("size", "said"), [(32, 33), (33, 33), (31, 31)])
def test_raw_bytes_that_do_not_add_up_are_refused(call: Call, size: int, said: int) -> None:
    document = {"inputs": [raw_input("image", "FP32", [2, 2, 2], said)]}
    answer = call("/v2/models/doubles/infer", **binary(document, bytes(size)))
    assert answer.status == 400


def test_the_requests_own_timeout_is_its_deadline(call: Call) -> None:
    answer = infer(call, GREY, parameters={"timeout": 1})
    assert (answer.status, answer.json["code"]) == (504, "DeadlineExceeded")


def test_health_and_readiness(call: Call) -> None:
    assert call("/v2/health/live", live=False, method="GET").json == {"live": True}
    assert call("/v2/health/ready", method="GET").json == {"ready": True}
    assert call("/v2/health/ready", live=False, method="GET").status == 503
    assert call("/v2/models/doubles/ready", method="GET").json["ready"] is True
    assert call("/v2/models/doubles/versions/2/ready", method="GET").json["version"] == "2"
    assert call("/v2/models/doubles/versions/next/ready", method="GET").status == 503
    assert call("/v2/models/nobody/ready", method="GET").status == 404


def test_metadata_names_tensors_as_the_protocol_does(call: Call) -> None:
    metadata = call("/v2/models/doubles", method="GET").json
    assert (metadata["versions"], metadata["platform"]) == (["1", "2"], "tensorflow_savedmodel")
    assert metadata["inputs"][0] == {"name": "image", "datatype": "FP32", "shape": [-1, 2, 2]}
    assert metadata["outputs"][1] == {"name": "word", "datatype": "BYTES", "shape": [-1, 1]}
    server = call("/v2", method="GET").json
    assert "binary_tensor_data" in server["extensions"]


@pytest.mark.parametrize("path", ["/v2/models/doubles", "/v2/models/doubles/versions/stable"])
def test_the_configuration_is_tritons(call: Call, path: str) -> None:
    config = call(f"{path}/config", method="GET").json
    assert (config["name"], config["platform"], config["backend"]) == ("doubles", "tensorflow_savedmodel", "tensorflow")
    assert config["max_batch_size"] == Settings().max_batch_rows
    assert config["input"][0] == {"name": "image", "data_type": "TYPE_FP32", "dims": [2, 2]}
    assert config["output"][1] == {"name": "word", "data_type": "TYPE_STRING", "dims": [1]}
    assert call("/v2/models/nobody/config", method="GET").status == 404


def test_the_index_has_every_version(call: Call) -> None:
    assert call("/v2/models", method="GET").json == {"models": [{"name": "doubles"}]}
    index = call("/v2/repository/index").json
    assert [(entry["version"], entry["state"]) for entry in index] == [("1", "READY"), ("2", "READY")]


@pytest.mark.parametrize(("at_once", "place"), [(True, "event_loop"), (False, "backend")])
def test_statistics_count_rows_and_calls_and_say_where_they_ran(
    tmp_path: Path,
    write_version: Callable[[Manifest], None],
    manifest_with: Callable[..., Manifest],
    place: str,
    *,
    at_once: bool,
) -> None:
    write_version(manifest_with(features=FEATURES, signatures={"serving_default": SIGNATURE}))

    async def asked() -> Answer:
        backend = InMemoryBackend({"doubles": {1: {"serving_default": SIGNATURE}}}, run, at_once=at_once)
        app = create_app(Settings(models=tmp_path / "models"), backend=backend)
        await backend.start(app.state.gateway.catalog.renew)
        for body in ({"inputs": [GREY]}, {"inputs": [GREY]}):
            await ask(app, "/v2/models/doubles/infer", body=body)
        return answered(await ask(app, "/v2/models/doubles/stats", method="GET"))

    document = asyncio.run(asked()).json
    (statistics,), (queue,) = document["model_stats"], document["batching"]["queues"]
    assert (queue["version"], queue["breaker"], queue["batch_rows"]) == ("1", "closed", 64)
    assert queue["runs_in"] == place
    assert queue["cost"]["fixed_seconds"] + queue["cost"]["row_seconds"] > 0
    assert sum(bucket["calls"] for bucket in queue["buckets"]) == 2
    assert (statistics["version"], statistics["inference_count"], statistics["execution_count"]) == ("1", 4, 2)
    assert statistics["inference_stats"]["success"]["count"] == 2
    assert statistics["inference_stats"]["compute_infer"]["ns"] > 0


def test_statistics_of_what_is_not_there_are_404(call: Call) -> None:
    assert call("/v2/models/nobody/stats", method="GET").status == 404
    assert call("/v2/models/doubles/versions/9/stats", method="GET").status == 404
