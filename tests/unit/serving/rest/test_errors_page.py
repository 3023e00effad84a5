"""docs/errors.md against the gateway: every row provoked over REST, with the status, code and field it promises."""

import asyncio
import functools
import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving.app import create_app
from serving.backend_protocol import Arrays, Target
from serving.backends.in_memory import InMemoryBackend, Run, Turn, zeros_of_shape
from serving.contract.features import CategoryFeature, ImageFeature, NumberFeature, TensorFeature, TextFeature
from serving.contract.tensors import Array, Signature, TensorSpec
from serving.errors import BackendOverloaded, BackendRejected, BackendUnavailable
from serving.preprocessing.npy import write_npy
from serving.settings import Settings
from tests.doubles import doubles_manifest, publish_in_miniature
from tests.unit.serving.gateway_parts import FOREVER, Answer, answered, ask

PAGE = Path(__file__).parents[4] / "docs" / "errors.md"
ELSEWHERE = {
    "A browser asks, before a page's request, for an origin that `cors_origins` does not name": "test_cross_origin.py",
    "A line longer than the limit": "test_rows_endpoint.py",
    "The caller does not send on within the timeout": "test_rows_endpoint.py",
}
"""These need a setting, or a body that comes in pieces."""
FEATURES: dict[str, tuple[Any, ...]] = {
    "records": (
        NumberFeature(name="weight", range=(0, 9)),
        NumberFeature(name="count", dtype="int64", default=2),
        CategoryFeature(name="colour", default="red"),
    ),
    "picture": (ImageFeature(name="image", shape=(2, 2)),),
    "message": (TextFeature(name="text"),),
    "grid": (TensorFeature(name="x", shape=(2, 2)),),
}
RECORDS, PICTURE, MESSAGE, GRID = (f"/v1/models/{model}:predict" for model in FEATURES)
INFER = "/v2/models/records/infer"
ROW = {"weight": 1}
WEIGHT = {"name": "weight", "shape": [1], "datatype": "FP32", "data": [1]}
HUGE = b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(4) + (9_999).to_bytes(3, "little") * 2
"""The head of a WebP of 10,000 x 10,000 pixels."""


@dataclass(frozen=True)
class Row:
    """A row of the page."""

    cause: str
    status: int
    codes: frozenset[str]
    fields: tuple[str, ...]
    may_lack_field: bool

    def allows(self, pointer: str | None) -> bool:
        if pointer is None:
            return self.may_lack_field
        return any(re.fullmatch(_pattern(text), pointer) for text in self.fields)


def _pattern(template: str) -> str:
    """A bare row's value has no feature, and an index is there as often as there are dimensions."""
    found = template.replace("/{feature}", "(/[^/]+)?").replace("/{index}", "(/[0-9]+)*")
    return re.sub(r"\{\w+\}", "[^/]+", found)


@dataclass(frozen=True)
class Case:
    """A request that provokes the row whose cause begins so."""

    cause: str
    body: Any
    path: str = RECORDS
    headers: dict[str, str] = field(default_factory=dict)
    method: str = "POST"
    run: Run | None = None
    turns: Sequence[Turn] = ()
    at_once: int = 1


def of_type(media_type: str, **more: str) -> dict[str, str]:
    return {"content-type": media_type, **more}


def unencodable(_: Target, inputs: Arrays) -> dict[str, Array]:
    return {"value": np.zeros((len(inputs["weight"]), 1), np.complex128)}


def broken(_: Target, __: Arrays) -> dict[str, Array]:
    raise ZeroDivisionError


def rows(*given: Any) -> dict[str, Any]:
    return {"instances": given}


def infer(**changes: Any) -> dict[str, Any]:
    return {"inputs": [{**WEIGHT, **changes}]}


def form(*parts: tuple[str, str]) -> bytes:
    text = "".join(
        f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in parts
    )
    return f"{text}--edge--\r\n".encode()


NPY, CSV, NDJSON = of_type("application/x-npy"), of_type("text/csv"), of_type("application/x-ndjson")
FORM, PNG = of_type("multipart/form-data; boundary=edge"), of_type("image/png")
LONG = [0.0] * 20_000
EXAMPLES = Signature((TensorSpec("inputs", "string", ()),), (TensorSpec("value", "float32", (1,)),))

EMPTY: list[Any] = [b"", b"{", b'{"instances": [NaN}', b"[NaN" * 3000, b"[" * 3000, {}]
NO_FORMS: list[Any] = [b"", b"--edge--\r\n", form(("weight", "1"))[:-9]]
NO_ROWS: list[Any] = [b"", b"weight\n", b"\xff\n", b'weight\n"1"2\n']
NO_OBJECTS: list[Any] = [b"[]", b"{"]
NO_INPUTS: list[Any] = [{}, {"inputs": []}]
CASES = [
    *(Case("The body is empty", body) for body in EMPTY),
    Case("A key that the body does not have", {**rows(ROW), "a": 1}),
    Case("A key that the body does not have", {**rows(ROW), "inputs": {}}),
    Case("`instances` is an empty list", rows()),
    Case("Columns without rows", {"inputs": {"weight": []}}),
    Case("A signature asked through", {"examples": [ROW], "signature_name": "odd"}, "/v1/models/records:classify"),
    Case("A column of another number of rows", {"inputs": {"weight": [1], "count": [1, 2]}}),
    Case("A column of another number of rows", {"inputs": {"weight": 1}}),
    Case("`inputs` is neither", {"inputs": [1]}),
    Case("`inputs` is neither", {"examples": [ROW], "context": 1}, "/v1/models/records:classify"),
    Case("The version has no such signature", {**rows(ROW), "signature_name": "none"}),
    Case("An object that is not", rows({"weight": 1, "colour": {"b": 1}})),
    Case("`X-Request-Timeout-Ms` or", rows(ROW), headers={"x-request-timeout-ms": "-1"}),
    Case("`X-Request-Timeout-Ms` or", rows(ROW), headers={"content-length": "x"}),
    Case("`X-Priority` is neither", rows(ROW), headers={"x-priority": "urgent"}),
    Case("`X-Priority` is neither", b"weight\n1\n", headers={**CSV, "x-priority": ""}),
    Case("The body is JSON and not an object", [1]),
    Case("`signature_name` is not a string", {**rows(ROW), "signature_name": 1}),
    Case("`instances` is not a list", {"instances": 1}),
    Case("Bare values and objects are mixed", rows(ROW, 1)),
    Case("Bare values and objects are mixed", rows(1)),
    Case("A value of another type:", rows({"weight": "1"})),
    Case("A value of another type:", rows([[1, 2], [3, None]]), GRID),
    Case("The value of `b64` is not base64", rows({"b64": "*"}), PICTURE),
    Case("Lists nested too little", rows([[1, 2], [3]]), GRID),
    Case("A feature that the model does not have", rows({"wait": 1})),
    Case("A feature without a value", rows({"count": 1})),
    Case("A number that the feature's type cannot hold", rows({"weight": 10})),
    Case("A number that the feature's type cannot hold", b'{"instances": [{"weight": NaN}]}'),
    Case("Bytes that are no serialized", {**rows({"b64": "////"}), "signature_name": "classify"}),
    Case("Bytes that are not a whole PNG", rows({"b64": "YQ=="}), PICTURE),
    Case("Bytes that are not a whole PNG", b"a", PICTURE, PNG),
    Case("The body is larger than", rows(*[ROW] * 9)),
    Case("The body is larger than", rows(LONG), GRID),
    Case("An image of more than 50 million pixels", HUGE, PICTURE, of_type("image/webp")),
    Case("A Content-Type that is not read", b"<a/>", headers=of_type("text/xml")),
    *(Case("A Content-Type that is not read", b"a", headers=of_type(kind)) for kind in ("image/png", "text/plain")),
    Case("A Content-Type that is not read", write_npy(np.ones((1, 3))), headers=NPY),
    Case("A Content-Type that is not read", rows(ROW), headers={"content-encoding": "gzip"}),
    Case("No such model", rows(1), "/v1/models/nobody:predict"),
    *(Case("No such version or label", rows(ROW), f"/v1/models/records/{name}:predict")
      for name in ("versions/9", "versions/x", "labels/x")),
    Case("No such path", b"", "/v3"),
    Case("A path that does not take this method", b"", method="GET"),
    Case("The version is loading", rows(ROW), "/v1/models/records/labels/gone:predict"),
    Case("The queue is full, or the answer would be there too late", rows(*[ROW] * 8), at_once=2),
    Case("The model's backend does not answer", rows(ROW), turns=[Turn(error=BackendUnavailable("gone"))]),
    Case("The model's backend has no room for the call", rows(ROW), turns=[Turn(error=BackendOverloaded("full"))]),
    Case("The deadline passed", rows(ROW), headers={"x-request-timeout-ms": "5"}, turns=[FOREVER]),
    Case("The model cannot run this input", rows(ROW), turns=[Turn(error=BackendRejected("no"))]),
    Case("The backend failed in a way", rows(ROW), run=broken),
    Case("Something nobody foresaw", rows(ROW), run=unencodable),
    *(Case("No form", body, headers=FORM) for body in NO_FORMS),
    Case("More than 1,000 parts", form(*[("weight", "1")] * 1001), headers=FORM),
    Case("A part whose name is no feature's", form(("weight", "1"), ("wait", "1")), headers=FORM),
    Case("Features with unequal numbers", form(("weight", "1"), ("weight", "1"), ("count", "1")), headers=FORM),
    *(Case("A part that is no number", form(("weight", text), ("count", "1")), headers=FORM) for text in ("a", "10")),
    Case("A feature without a part", form(("count", "1"), ("colour", "red")), headers=FORM),
    Case("Text that is not UTF-8", b"\xff", MESSAGE, of_type("text/plain")),
    Case("No NumPy file", b"a", GRID, NPY),
    Case("A NumPy file of objects", write_npy(np.zeros((1, 2, 2), np.complex64)), GRID, NPY),
    Case("A NumPy file without rows", write_npy(np.zeros((0, 2, 2))), GRID, NPY),
    Case("A NumPy file without rows", write_npy(np.zeros((1, 2, 3))), GRID, NPY),
    Case("A number in a NumPy file", write_npy(np.full((1, 2, 2), np.nan)), GRID, NPY),
    *(Case("No rows; no UTF-8", body, headers=CSV) for body in NO_ROWS),
    Case("A line that is not JSON", b"{\n", headers=NDJSON),
    *(Case("A name in CSV's header", head + b"\n1,1\n", headers=CSV) for head in (b"weight,wait", b"weight,weight")),
    Case("A line with another number of cells", b"weight\n1,2\n", headers=CSV),
    *(Case("A value that is wrong, missing", b"weight,count\n" + row, headers=CSV)
      for row in (b"a,1\n", b",1\n", b"10,1\n")),
    *(Case("The JSON is no object", body, INFER) for body in NO_OBJECTS),
    Case("The JSON is no object", infer(), INFER, {"inference-header-content-length": "9999"}),
    *(Case("`inputs` is missing", body, INFER) for body in NO_INPUTS),
    Case("The raw tensors are more bytes", b'{"inputs":[%s]}abc' % json.dumps(WEIGHT).encode(), INFER,
         {"inference-header-content-length": str(13 + len(json.dumps(WEIGHT)))}),
    Case("`binary_data_size` is no number", infer(parameters={"binary_data_size": 1}), INFER),
    Case("A raw tensor of another length", infer(parameters={"binary_data_size": 0}), INFER),
    Case("A datatype that the protocol", infer(datatype="FP8"), INFER),
    Case("BYTES where numbers", infer(datatype="BYTES", data=["1"]), INFER),
    Case("`shape` is no list of sizes", infer(shape=[-1]), INFER),
    Case("A tensor without rows", infer(shape=[0], data=[]), INFER),
    Case("`data` of another length", infer(data=[1, 2]), INFER),
    *(Case("A value of another type, or out of range", infer(data=[value]), INFER) for value in ("1", 10, math.nan)),
    Case("Neither `data` nor raw bytes", {"inputs": [{"name": "weight", "shape": [1], "datatype": "FP32"}]}, INFER),
    Case("An input that the model does not have", infer(name="wait"), INFER),
    Case("An input that the model does not have", {"inputs": [WEIGHT, WEIGHT]}, INFER),
    Case("An input left out", infer(name="count", datatype="INT64"), INFER),
    Case("An output that the model does not have", {**infer(), "outputs": [{"name": "sum"}]}, INFER),
    Case("Shared memory or", infer(parameters={"shared_memory_region": "r"}), INFER),
    Case("`timeout` is no number", {**infer(), "parameters": {"timeout": "1"}}, INFER),
    Case("`priority` is no level", {**infer(), "parameters": {"priority": "high"}}, INFER),
    Case("`id` is no string", {**infer(), "id": 1}, INFER),
]  # fmt: skip


@functools.cache
def page_rows() -> tuple[Row, ...]:
    found = []
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" |")]
        if line.startswith("|") and len(cells) >= 4 and cells[1].isdigit():
            fields = tuple(re.findall("`(/[^`]*)`", cells[-1]))
            lacks = not fields or "none" in cells[-1]
            if cells[-1] == "the parameter":
                fields = ("/inputs/{input}/parameters/{parameter}",)
            found.append(Row(cells[0], int(cells[1]), frozenset(re.findall(r"`(\w+)`", cells[2])), fields, lacks))
    return tuple(found)


def row_of(cause: str) -> Row:
    (row,) = [row for row in page_rows() if row.cause.startswith(cause)]
    return row


Provoke = Callable[[Case], Answer]


@pytest.fixture(scope="module")
def provoke(tmp_path_factory: pytest.TempPathFactory) -> Provoke:
    """Each case has a gateway of its own; the models are only read."""
    folder = tmp_path_factory.mktemp("errors") / "models"
    models: dict[str, Any] = {}
    for model, features in FEATURES.items():
        inputs = tuple(TensorSpec(f.name, f.dtype, f.row_shape) for f in features)
        signature = Signature(inputs, (TensorSpec("value", "float32", (1,)),))
        models[model] = {1: {"serving_default": signature, "odd": signature, "classify": EXAMPLES}}
        publish_in_miniature(folder, doubles_manifest(model=model, features=features, signatures=models[model][1]))
    (folder / "records/labels.json").write_text('{"gone": 7}')

    async def call(case: Case) -> Answer:
        backend = InMemoryBackend(models, case.run or zeros_of_shape(models), iter(case.turns))
        settings = Settings(models=folder, max_queue_rows=8, max_body_bytes=60_000)
        app = create_app(settings, backend=backend)
        await backend.start(app.state.gateway.catalog.renew)
        asked = (
            ask(app, case.path, body=case.body, headers=case.headers, method=case.method) for _ in range(case.at_once)
        )
        return answered((await asyncio.gather(*asked))[-1])

    return lambda case: asyncio.run(call(case))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.cause[:30]} {case.path[-20:]}")
def test_the_gateway_answers_as_the_page_says(provoke: Provoke, case: Case) -> None:
    row, answer = row_of(case.cause), provoke(case)
    assert answer.status == row.status, answer.body
    assert not row.codes or answer.json["code"] in row.codes
    assert row.allows(answer.json.get("field")), answer.json
    assert answer.json["request_id"] == answer.headers["x-request-id"]
    assert ("retry-after" in answer.headers) == (answer.status == 503)


def test_every_row_of_the_page_is_provoked() -> None:
    provoked = {row_of(case.cause).cause for case in CASES} | ELSEWHERE.keys()
    assert {row.cause for row in page_rows()} == provoked
