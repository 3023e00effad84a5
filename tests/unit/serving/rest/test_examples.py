"""`:classify` and `:regress` as the ASGI callables they are; what runs is scripted to look into the records."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving.app import create_app
from serving.backend_protocol import Arrays, Target
from serving.backends.in_memory import InMemoryBackend
from serving.backends.tensorflow_messages import message_module
from serving.contract.features import CategoryFeature, NumberFeature, TensorFeature
from serving.contract.manifest import Manifest
from serving.contract.tensors import Array, Signature, TensorSpec
from serving.settings import Settings
from tests.unit.serving.gateway_parts import Answer, answered, ask

FEATURES = (
    NumberFeature(name="weight", unit="kg", range=(0, 100)),
    NumberFeature(name="count", dtype="int64", default=2),
    CategoryFeature(name="colour", default="red"),
    TensorFeature(name="grid", shape=(2, 2)),
)
SERVE = Signature(
    tuple(TensorSpec(f.name, f.dtype, f.row_shape) for f in FEATURES), (TensorSpec("value", "float32", (1,)),)
)
EXAMPLES = (TensorSpec("inputs", "string", ()),)
SIGNATURES = {
    "serving_default": SERVE,
    "classify": Signature(EXAMPLES, (TensorSpec("classes", "string", (2,)), TensorSpec("scores", "float32", (2,)))),
    "regress": Signature(EXAMPLES, (TensorSpec("outputs", "float32", ()),)),
}
ROW = {"weight": 3, "grid": [[1, 2], [3, 4]]}


def run(target: Target, inputs: Arrays) -> dict[str, Array]:
    """Scores and values that show what was in the records."""
    example = message_module("tensorflow.core.example.example_pb2").Example
    features = [example.FromString(record).features.feature for record in inputs["inputs"]]
    sums: Any = np.array(
        [f["weight"].float_list.value[0] + sum(f["grid"].float_list.value) + f["count"].int64_list.value[0]
         for f in features], np.float32)  # fmt: skip
    if target.signature == "regress":
        return {"outputs": sums}
    classes: Any = np.array([[f["colour"].bytes_list.value[0], b"\xff"] for f in features], object)
    return {"classes": classes, "scores": np.stack([sums, -sums], axis=1)}


Ask = Callable[..., Answer]


@pytest.fixture
def post(tmp_path: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]) -> Ask:
    write_version(manifest_with(features=FEATURES, signatures=SIGNATURES))

    async def call(path: str, body: object) -> Answer:
        backend = InMemoryBackend({"doubles": {1: SIGNATURES}}, run)
        app = create_app(Settings(models=tmp_path / "models"), backend=backend)
        await backend.start(app.state.gateway.catalog.renew)
        return answered(await ask(app, path, body=body))

    return lambda verb, body: asyncio.run(call(f"/v1/models/doubles:{verb}", body))


def test_classify_answers_pairs_of_label_and_score(post: Ask) -> None:
    answer = post("classify", {"examples": [ROW, {**ROW, "colour": "blue"}]})
    tail = [{"b64": "/w=="}, -15.0]
    assert (answer.status, answer.json) == (200, {"results": [[["red", 15.0], tail], [["blue", 15.0], tail]]})


def test_regress_answers_values(post: Ask) -> None:
    assert post("regress", {"examples": [ROW, {**ROW, "count": 7}]}).json == {"results": [15.0, 20.0]}


@pytest.mark.parametrize("name", ["", "serving_default", "regress"])
def test_the_default_signature_means_the_verbs_own(post: Ask, name: str) -> None:
    assert post("regress", {"signature_name": name, "examples": [ROW]}).json == {"results": [15.0]}


def test_the_context_is_part_of_every_example_that_does_not_overrule_it(post: Ask) -> None:
    body = {
        "context": {"weight": 50},
        "examples": [{"grid": [[0, 0], [0, 0]]}, {"grid": [[0, 0], [0, 0]], "weight": 1}],
    }
    assert post("regress", body).json == {"results": [52.0, 3.0]}


def test_flat_lists_fill_a_shape_and_a_list_of_one_is_a_number(post: Ask) -> None:
    assert post("regress", {"examples": [{"weight": [3], "grid": [1, 2, 3, 4]}]}).json == {"results": [15.0]}


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "InvalidInput", None),
        ({"examples": []}, "InvalidInput", "/examples"),
        ({"examples": {}}, "WrongDtype", "/examples"),
        ({"examples": [1]}, "WrongDtype", "/examples/0"),
        ({"examples": [ROW], "context": []}, "WrongDtype", "/context"),
        ({"examples": [ROW], "instances": []}, "InvalidInput", "/instances"),
        ({"examples": [{**ROW, "weight": "3"}]}, "WrongDtype", "/examples/0/weight"),
        ({"examples": [{**ROW, "weight": 101}]}, "OutOfRange", "/examples/0/weight"),
        ({"examples": [{**ROW, "grid": [1, 2, 3]}]}, "WrongShape", "/examples/0/grid"),
        ({"examples": [{**ROW, "wait": 3}]}, "UnknownField", "/examples/0/wait"),
        ({"examples": [{"weight": 3}]}, "MissingField", "/examples/0/grid"),
        ({"examples": [ROW], "signature_name": "none"}, "InvalidInput", "/signature_name"),
        ({"examples": [ROW], "signature_name": "classify"}, "InvalidInput", "/signature_name"),
    ],
)
def test_a_wrong_request_is_told_where(post: Ask, body: object, code: str, field: str | None) -> None:
    answer = post("regress", body)
    assert (answer.status, answer.json["code"], answer.json.get("field")) == (400, code, field)


def test_columns_are_answered_as_columns(
    tmp_path: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]
) -> None:
    write_version(manifest_with())
    outputs = Signature(SERVE.inputs[:1], (TensorSpec("a", "float32", ()), TensorSpec("b", "float32", ())))
    both = {"doubles": {1: {"serving_default": outputs}}}

    async def call(run: Callable[..., dict[str, Array]]) -> Any:
        backend = InMemoryBackend(both, run)
        app = create_app(Settings(models=tmp_path / "models"), backend=backend)
        await backend.start(app.state.gateway.catalog.renew)
        return answered(await ask(app, "/v1/models/doubles:predict", body={"inputs": {"x": [1, 2]}})).json

    assert asyncio.run(call(lambda _, inputs: {"a": inputs["x"]})) == {"outputs": [1.0, 2.0]}
    two = asyncio.run(call(lambda _, inputs: {"a": inputs["x"], "b": -inputs["x"]}))
    assert two == {"outputs": {"a": [1.0, 2.0], "b": [-1.0, -2.0]}}
