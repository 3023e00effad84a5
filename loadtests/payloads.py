"""The bodies of requests for any model, from a seed: single rows, small batches, images, records, and bad ones.

Over REST they are what `penstock_client` itself writes, over gRPC TensorFlow Serving's PredictRequest. No sockets.
"""

import contextlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import numpy as np
from penstock_client import ModelMetadata
from penstock_client.call_headers import deadline_headers
from penstock_client.files import read_file
from penstock_client.messages import Address, Request, Response
from penstock_client.protocol import Protocol
from penstock_client.rest_dialect import RestDialect

from loadtests.made_rows import Row, RowMaker, picture, row_maker
from serving.backends.tensorflow_messages import message_module
from serving.contract.tensors import NUMPY_DTYPES, Array
from serving.grpc.tensor_values import fill_tensor

Form: TypeAlias = Literal["row", "batch", "image", "record", "bad", "mix"]
Wire: TypeAlias = Literal["rest", "grpc"]

PREDICT_METHOD = "/tensorflow.serving.PredictionService/Predict"
BATCH_ROWS = (2, 17)
"""The least rows of a small batch, and the count beyond the most."""
COUNT = 200
"""Different bodies of a form; a mix then holds two bad ones."""
PIXELS_AS_NUMBERS = 4096
"""Of an image, at most: nobody writes larger ones as numbers, so their rows and batches are files too."""
TIMEOUT_SECONDS = 10.0
"""The client's own default: the gateway is told it with every request."""
SHARES: Mapping[Form, int] = MappingProxyType({"row": 70, "record": 70, "batch": 20, "image": 9, "bad": 1})
"""Of a mix, as parts of those that the model takes: mostly one row at a time, as pages and apps ask."""
GOOD: Mapping[Wire, str] = MappingProxyType({"rest": "200", "grpc": "OK"})
REFUSED: Mapping[Wire, str] = MappingProxyType({"rest": "400", "grpc": "INVALID_ARGUMENT"})


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model as the gateway describes it: `document` is the body of `GET /v1/models/{name}/metadata`."""

    metadata: ModelMetadata
    document: bytes

    @property
    def name(self) -> str:
        return self.metadata.model


@dataclass(frozen=True, slots=True)
class Payload:
    """One request. `path` is a URL's path, or a gRPC method's; the body is JSON, or a serialized message.

    `wanted` is the status that is right for it: a bad request must be refused, and as the caller's fault.
    """

    form: Form
    path: str
    headers: Mapping[str, str]
    body: bytes
    rows: int
    is_bad: bool
    wanted: str


def forms_of(model: ServedModel) -> tuple[Form, ...]:
    """Those that the model takes: records where a row has several features, images where its one feature is one."""
    maker = row_maker(model.metadata)
    if len(maker.features) > 1:
        return ("record", "batch", "bad")
    return ("row", "batch", "image", "bad") if maker.images else ("row", "batch", "bad")


def payloads(
    model: ServedModel, seed: int, form: Form = "mix", *, wire: Wire = "rest", count: int = COUNT
) -> tuple[Payload, ...]:
    """`count` different requests, the same for the same seed. Raises ValueError for a form the model does not take."""
    takes = forms_of(model)
    if form not in (*takes, "mix"):
        raise ValueError(f"{model.name} takes no requests of the form {form!r}; there are: {', '.join(takes)}, mix")
    random = np.random.default_rng(seed)
    write = _Rest(model).payload if wire == "rest" else _Grpc(model).payload
    forms = _mixed(takes, count) if form == "mix" else [form] * count
    return tuple(write(forms[place], place, random) for place in random.permutation(count))


def _mixed(takes: Sequence[Form], count: int) -> list[Form]:
    """By SHARES, and of every form at least one."""
    whole = sum(SHARES[form] for form in takes)
    others = [form for form in takes[1:] for _ in range(max(1, round(count * SHARES[form] / whole)))]
    return [takes[0]] * max(1, count - len(others)) + others


class _Rest:
    def __init__(self, model: ServedModel) -> None:
        self._address, self._maker = Address(model.name), row_maker(model.metadata)
        self._protocol = Protocol(RestDialect(), read_file=read_file)
        asked = self._protocol.metadata(self._address)
        next(asked)
        with contextlib.suppress(StopIteration):  # then the client knows the model, and asks it at once
            asked.send(Response(200, {}, model.document))

    def payload(self, form: Form, place: int, random: np.random.Generator) -> Payload:
        rows = self._maker.rows(_row_count(form, random), random)
        request = self._request(form, rows)
        body = _spoilt(request.body, place) if form == "bad" else request.body
        wanted = REFUSED["rest"] if form == "bad" else GOOD["rest"]
        return Payload(form, request.path, request.headers, body, len(rows), form == "bad", wanted)

    def _request(self, form: Form, rows: list[Row]) -> Request:
        as_image = _as_image(self._maker, form)
        inputs = [_natural(self._maker, row, as_image=as_image) for row in rows]
        asked = self._protocol.predict(self._address, inputs if form == "batch" else inputs[0])
        return next(asked).with_headers(deadline_headers(TIMEOUT_SECONDS))


class _Grpc:
    def __init__(self, model: ServedModel) -> None:
        self._model, self._maker = model.name, row_maker(model.metadata)
        self._message = message_module("tensorflow_serving.apis.predict_pb2").PredictRequest

    def payload(self, form: Form, place: int, random: np.random.Generator) -> Payload:
        rows = self._maker.rows(_row_count(form, random), random)
        request = self._message()
        request.model_spec.name = self._model
        as_image = _as_image(self._maker, form)
        for feature in self._maker.features:
            array = self._column(feature.name, rows, as_image=as_image)
            fill_tensor(request.inputs[feature.name], array, as_content=True)
        if form == "bad":
            _spoil_inputs(request, self._maker.features[0].name, place)
        wanted = REFUSED["grpc"] if form == "bad" else GOOD["grpc"]
        return Payload(form, PREDICT_METHOD, {}, bytes(request.SerializeToString()), len(rows), form == "bad", wanted)

    def _column(self, name: str, rows: Sequence[Row], *, as_image: bool) -> Array:
        feature = next(each for each in self._maker.features if each.name == name)
        if as_image:
            return _strings([_png(_natural(self._maker, row, as_image=True)) for row in rows])
        values = [row[name] for row in rows]
        return _strings(values) if feature.dtype == "string" else np.array(values, NUMPY_DTYPES[feature.dtype])


def _row_count(form: Form, random: np.random.Generator) -> int:
    return int(random.integers(*BATCH_ROWS)) if form == "batch" else 1


def _as_image(maker: RowMaker, form: Form) -> bool:
    (sole,) = maker.images if len(maker.features) == len(maker.images) == 1 else (None,)
    return sole is not None and (form == "image" or math.prod(sole.shape) > PIXELS_AS_NUMBERS)


def _natural(maker: RowMaker, row: Row, *, as_image: bool) -> Any:
    """What a caller hands to the client: the value of the one feature, or a record."""
    if len(maker.features) > 1:
        return row
    (value,) = row.values()
    return picture(maker.images[0], value) if as_image else value


def _strings(values: Sequence[Any]) -> Array:
    texts = np.array(values, object)
    return np.array([each if isinstance(each, bytes) else str(each).encode() for each in texts.flat], object).reshape(
        texts.shape
    )


def _png(image: Any) -> bytes:
    written = BytesIO()
    image.save(written, format="PNG")
    return written.getvalue()


def _spoilt(body: bytes, place: int) -> bytes:
    """Mistakes that callers make: a body cut short, a wrong key, a row of another kind."""
    mistakes: tuple[Callable[[bytes], bytes], ...] = (
        lambda body: body[: len(body) // 2],
        lambda body: body.replace(b'"instances"', b'"rows"', 1),
        lambda _: json.dumps({"instances": [{"no such feature": 1}]}).encode(),
    )
    return mistakes[place % len(mistakes)](body)


def _spoil_inputs(request: Any, first: str, place: int) -> None:
    """An input under a name that the model does not have, or one too few."""
    if place % 2:
        request.inputs["no such feature"].CopyFrom(request.inputs[first])
    else:
        del request.inputs[first]
