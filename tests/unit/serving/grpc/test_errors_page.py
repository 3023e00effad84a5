"""docs/errors.md against the gateway: every row with a gRPC status, provoked over a real channel on loopback.

The status, the code and the request id are as on the page. The field is the path of the value in the message, which
each case gives.
"""

import asyncio
import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from serving.app import create_app
from serving.backend_protocol import Arrays, Target
from serving.backends.in_memory import InMemoryBackend, Run, Turn, zeros_of_shape
from serving.backends.tensorflow_messages import message_module
from serving.contract.features import Feature, ImageFeature, NumberFeature, TensorFeature
from serving.contract.tensors import Array, Signature, TensorSpec
from serving.errors import BackendOverloaded, BackendRejected, BackendUnavailable
from serving.grpc import inference_pb2
from serving.settings import Settings
from tests.doubles import doubles_manifest, publish_in_miniature
from tests.unit.serving.gateway_parts import FOREVER

PAGE = Path(__file__).parents[4] / "docs" / "errors.md"
FEATURES: dict[str, tuple[Feature, ...]] = {
    "records": (NumberFeature(name="weight", range=(0, 9)), NumberFeature(name="count", dtype="int64", default=2)),
    "picture": (ImageFeature(name="image", shape=(2, 2)),),
    "grid": (TensorFeature(name="x", shape=(2, 2)),),
}
TFS, V2 = "/tensorflow.serving.PredictionService/", "/inference.GRPCInferenceService/"
FLOAT, INT64, STRING = 1, 9, 7
HUGE = b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(4) + (9_999).to_bytes(3, "little") * 2
"""The head of a WebP of 10,000 x 10,000 pixels."""


@dataclass(frozen=True)
class Row:
    """A row of the page: the error's names and the status they end with."""

    cause: str
    codes: frozenset[str]
    status: str


@dataclass(frozen=True)
class Case:
    """A call that provokes the row whose cause begins so; `field`, a pattern, is empty where the message has no
    such place.
    """

    cause: str
    request: Any
    field: str = ""
    method: str = TFS + "Predict"
    metadata: tuple[tuple[str, str], ...] = ()
    run: Run | None = None
    turns: Sequence[Turn] = ()
    at_once: int = 1


def apis(name: str) -> Any:
    return message_module(f"tensorflow_serving.apis.{name}_pb2")


def tensor(dtype: int, shape: Sequence[int], values: Sequence[Any]) -> dict[str, Any]:
    typed = {FLOAT: "float_val", INT64: "int64_val", STRING: "string_val"}.get(dtype, "float_val")
    return {"dtype": dtype, "tensor_shape": {"dim": [{"size": size} for size in shape]}, typed: values}


def predict(model: str = "records", *, spec: Mapping[str, Any] | None = None, **inputs: dict[str, Any]) -> Any:
    given = inputs or {"weight": tensor(FLOAT, [1], [1.0])}
    request = apis("predict").PredictRequest(model_spec={"name": model, **(spec or {})})
    for name, value in given.items():
        request.inputs[name].CopyFrom(message_module("tensorflow.core.framework.tensor_pb2").TensorProto(**value))
    return request


def rows(count: int) -> Any:
    return predict(weight=tensor(FLOAT, [count], [1.0] * count))


def picture(content: bytes) -> Any:
    return predict("picture", image=tensor(STRING, [1], [content]))


def classify(model: str = "records", **values: list[float]) -> Any:
    request = apis("classification").ClassificationRequest(model_spec={"name": model})
    example = request.input.example_list.examples.add()
    for name, floats in values.items():
        example.features.feature[name].float_list.value.extend(floats)
    return request


def infer(**changes: Any) -> Any:
    one = {"name": "weight", "shape": [1], "datatype": "FP32", "contents": {"fp32_contents": [1.0]}}
    outputs = changes.pop("outputs", [])
    request = inference_pb2.ModelInferRequest(model_name="records", inputs=[{**one, **changes.pop("one", {})}])
    for name, value in changes.pop("parameters", {}).items():
        request.parameters[name].string_param = value
    request.raw_input_contents.extend(changes.pop("raw", []))
    for output in outputs:
        request.outputs.add(name="value").parameters[output].int64_param = 1
    return request


def unencodable(_: Target, inputs: Arrays) -> dict[str, Array]:
    return {"value": np.zeros((len(inputs["weight"]), 1), np.complex128)}


def broken(_: Target, __: Arrays) -> dict[str, Array]:
    raise ZeroDivisionError


INFER, TIMEOUT = V2 + "ModelInfer", "x-request-timeout-ms"
ONE = tensor(FLOAT, [1], [1.0])
RAW = {"name": "weight", "shape": [1], "datatype": "FP32", "contents": {}}
CASES = [
    Case("Columns without rows", predict(weight=tensor(FLOAT, [0], [])), "/inputs/weight"),
    Case("A signature asked through", classify("grid"), "/model_spec/signature_name", TFS + "Classify"),
    Case("A column of another number", predict(weight=ONE, count=tensor(INT64, [2], [1, 2])),
         "/inputs/(weight|count)"),
    Case("A column of another number", predict(weight=tensor(FLOAT, [], [1.0])), "/inputs/weight"),
    Case("The version has no such", predict(spec={"signature_name": "no"}), "/model_spec/signature_name"),
    *(Case("`X-Request-Timeout-Ms` or", predict(), metadata=((TIMEOUT, text),)) for text in ("-1", "x")),
    Case("`X-Priority` is neither", predict(), metadata=(("x-priority", "urgent"),)),
    Case("A value of another type:", predict(weight=ONE, count=ONE), "/inputs/count/0"),
    Case("Lists nested too little", predict("grid", x=ONE), "/inputs/x/0"),
    Case("Lists nested too little", classify(weight=[1.0, 2.0]), "/input/example_list/examples/0/weight",
         TFS + "Classify"),
    Case("A feature that the model does not have", predict(wait=ONE), "/inputs/wait"),
    Case("A feature without a value", predict(count=tensor(INT64, [1], [1])), "/inputs"),
    Case("A feature without a value", classify(), "/input/example_list/examples/0/weight", TFS + "Classify"),
    Case("A number that the feature's", predict(weight=tensor(FLOAT, [1], [10.0])), "/inputs/weight/0"),
    Case("A number that the feature's", predict(weight=tensor(FLOAT, [1], [np.nan])), "/inputs/weight/0"),
    Case("Bytes that are no serialized", predict(spec={"signature_name": "classify"},
                                                 inputs=tensor(STRING, [1], [b"\xff"])), "/inputs/inputs/0"),
    Case("Bytes that are not a whole PNG", picture(b"a"), "/inputs/image/0"),
    Case("The body is larger than", rows(9)),
    Case("An image of more than 50 million pixels", picture(HUGE), "/inputs/image/0"),
    Case("No such model", predict("nobody")),
    Case("No such version or label", predict(spec={"version": {"value": 9}})),
    Case("No such version or label", predict(spec={"version_label": "x"})),
    Case("The version is loading", predict(spec={"version_label": "gone"})),
    Case("The queue is full", rows(8), turns=[FOREVER] * 2, at_once=4),
    Case("The model's backend does not answer", predict(), turns=[Turn(error=BackendUnavailable("gone"))]),
    Case("The model's backend has no room", predict(), turns=[Turn(error=BackendOverloaded("full"))]),
    Case("The deadline passed", predict(), metadata=((TIMEOUT, "5"),), turns=[FOREVER]),
    Case("The deadline passed", infer(parameters={"timeout": "5000"}), turns=[FOREVER], method=INFER),
    Case("The model cannot run this input", predict(), turns=[Turn(error=BackendRejected("no"))]),
    Case("The backend failed in a way", predict(), run=broken),
    Case("Something nobody foresaw", predict(), run=unencodable),
    Case("A tensor of a dtype that is not read", predict(weight={"dtype": 99}), "/inputs/weight"),
    Case("Values that do not fill", predict(weight=tensor(FLOAT, [2], [1.0, 2.0, 3.0])), "/inputs/weight"),
    Case("Values that do not fill", predict(weight=tensor(FLOAT, [-1], [1.0])), "/inputs/weight"),
    Case("A shape that claims", predict(weight=tensor(FLOAT, [2**40], [1.0])), "/inputs/weight"),
    Case("An output that the signature", apis("predict").PredictRequest(
        model_spec={"name": "records"}, inputs=predict().inputs, output_filter=["sum"]), "/output_filter/0"),
    Case("Raw bytes that do not fill", infer(one=RAW, raw=[b"\0"]), "/inputs/weight", method=INFER),
    Case("Raw contents for some inputs only", infer(raw=[b"", b""]), "/raw_input_contents", method=INFER),
    Case("A `timeout` parameter", infer(parameters={"timeout": "soon"}), "/parameters/timeout", method=INFER),
    Case("A `priority` parameter", infer(parameters={"priority": "high"}), "/parameters/priority", method=INFER),
    Case("Triton's classification", infer(outputs=["classification"]), "/outputs/0/parameters/classification",
         method=INFER),
    Case("Classify or Regress on a version", classify("grid"), "/model_spec/signature_name", TFS + "Regress"),
    Case("`HandleReloadConfigRequest`", apis("model_management").ReloadConfigRequest(
        config={"model_config_list": {"config": [{"name": "nobody"}]}}),
         method="/tensorflow.serving.ModelService/HandleReloadConfigRequest"),
]  # fmt: skip


@functools.cache
def page_rows() -> tuple[Row, ...]:
    """Those with a gRPC status, of the first table and of the one for gRPC alone: cause, ..., code, gRPC, field."""
    found = []
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" |")]
        if line.startswith("|") and len(cells) >= 4 and re.fullmatch(r"[A-Z]+_?[A-Z]*_?[A-Z]*", cells[-2]):
            found.append(Row(cells[0], frozenset(re.findall(r"`(\w+)`", cells[-3])), cells[-2]))
    return tuple(found)


def row_of(cause: str) -> Row:
    (row,) = [row for row in page_rows() if row.cause.startswith(cause)]
    return row


async def outcome(call: Any) -> Any:
    try:
        return await call
    except (grpc.aio.AioRpcError, asyncio.CancelledError) as error:
        return error


Provoke = Callable[[Case], grpc.aio.AioRpcError]


@pytest.fixture(scope="module")
def provoke(tmp_path_factory: pytest.TempPathFactory) -> Provoke:
    """Each case has a gateway of its own; the models are only read."""
    folder = tmp_path_factory.mktemp("errors") / "models"
    models: dict[str, Any] = {}
    for model, features in FEATURES.items():
        inputs = tuple(TensorSpec(f.name, f.dtype, f.row_shape) for f in features)
        signatures = {"serving_default": Signature(inputs, (TensorSpec("value", "float32", (1,)),))}
        if model == "records":
            outputs = (TensorSpec("classes", "string", (1,)), TensorSpec("scores", "float32", (1,)))
            signatures["classify"] = Signature((TensorSpec("inputs", "string", ()),), outputs)
        models[model] = {1: signatures}
        publish_in_miniature(folder, doubles_manifest(model=model, features=features, signatures=signatures))
    (folder / "records/labels.json").write_text('{"gone": 7}')

    async def call(case: Case) -> grpc.aio.AioRpcError:
        backend = InMemoryBackend(models, case.run or zeros_of_shape(models), iter(case.turns))
        gateway = create_app(Settings(models=folder, max_queue_rows=8, grpc_port=0), backend=backend).state.gateway
        await backend.start(gateway.catalog.renew)
        await gateway.grpc.start()
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{gateway.grpc.port}") as channel:
                ask = channel.unary_unary(case.method, type(case.request).SerializeToString, bytes)
                asked = [ask(case.request, metadata=case.metadata) for _ in range(case.at_once)]
                ended = asyncio.as_completed([outcome(one) for one in asked])
                refused = await next(ended)
                for one in asked:
                    one.cancel()
                await asyncio.gather(*ended)
        finally:
            await gateway.grpc.stop()
        assert isinstance(refused, grpc.aio.AioRpcError), refused
        return refused

    return lambda case: asyncio.run(call(case))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.cause[:30]} {case.field[-20:]}")
def test_the_gateway_answers_over_grpc_as_the_page_says(provoke: Provoke, case: Case) -> None:
    row, refused = row_of(case.cause), provoke(case)
    metadata = dict(refused.trailing_metadata() or ())
    assert (refused.code().name, metadata["x-error-code"] in row.codes) == (row.status, True), refused
    assert re.fullmatch(case.field, metadata.get("x-error-field", ""))
    assert re.match(case.field, refused.details() or "")
    assert metadata["x-request-id"]
    is_over_soon = row.status in {"RESOURCE_EXHAUSTED", "UNAVAILABLE"}
    assert (b"RetryInfo" in metadata.get("grpc-status-details-bin", b"")) is is_over_soon


def test_every_row_of_the_page_with_a_grpc_status_is_provoked() -> None:
    assert {row.cause for row in page_rows()} == {row_of(case.cause).cause for case in CASES}
