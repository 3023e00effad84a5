"""The decoders of request bodies, REST's and gRPC's. The first byte picks the decoder, the rest is the body."""

from collections.abc import Callable
from typing import Any

import atheris
from google.protobuf.message import DecodeError

with atheris.instrument_imports(include=["serving"]):
    from serving.backends.tensorflow_messages import message_module
    from serving.contract.features import CategoryFeature, Feature, ImageFeature, NumberFeature, TextFeature
    from serving.grpc import inference_pb2, inference_tensors, tensor_values
    from serving.preprocessing.npy import decode_npy
    from serving.preprocessing.row_records import CsvReader, NdjsonReader
    from serving.rest.examples import read_classify
    from serving.rest.natural_body import read_predict_body
    from serving.rest.oip_body import read_infer
    from serving.rest.request_head import RequestHead
    from tests.integration.fuzz.frame import fuzz

NUMBERS: tuple[Feature, ...] = (NumberFeature(name="a", range=(0, 9)), CategoryFeature(name="b", default="red"))
IMAGE: tuple[Feature, ...] = (ImageFeature(name="image", shape=(2, 2)),)
COLOURS: tuple[Feature, ...] = (ImageFeature(name="image", shape=(3, 5, 3)),)
TEXT: tuple[Feature, ...] = (TextFeature(name="text"),)
MOST_BYTES = 1 << 16
FORM = b"multipart/form-data; boundary=x"
PREDICT = message_module("tensorflow_serving.apis.predict_pb2")


def typed(content_type: bytes, features: tuple[Feature, ...]) -> Callable[[bytes], Any]:
    head = RequestHead({b"content-type": content_type})
    return lambda body: read_predict_body(head, body).decode(features)


def infer(body: bytes) -> Any:
    """The first two bytes say how long the JSON is, as a header would."""
    length = int.from_bytes(body[:2], "big")
    head = RequestHead({b"inference-header-content-length": str(length).encode()} if length else {})
    return read_infer(head, body[2:]).decode(NUMBERS)


def rows(reader: Any) -> Callable[[bytes], Any]:
    """In two pieces, so that a row may be cut anywhere."""

    def read(body: bytes) -> Any:
        one, half = reader(1024), len(body) // 2
        records = [*one.feed(body[:half], last=False), *one.feed(body[half:], last=True)]
        return one.decode(0, records, NUMBERS) if records else None

    return read


def tensor_protos(body: bytes) -> Any:
    try:
        request = PREDICT.PredictRequest.FromString(body)
    except DecodeError:
        return None
    return [tensor_values.array_of(tensor, name, MOST_BYTES) for name, tensor in request.inputs.items()]


def oip_tensors(body: bytes) -> Any:
    try:
        request = inference_pb2.ModelInferRequest.FromString(body)
    except DecodeError:
        return None
    raw = [*request.raw_input_contents, *[None] * len(request.inputs)]
    return [inference_tensors.array_of(*pair, "/inputs") for pair in zip(request.inputs, raw, strict=False)]


DECODERS: tuple[Callable[[bytes], Any], ...] = (
    typed(b"application/json", NUMBERS),
    typed(b"application/json", IMAGE),
    typed(b"image/png", IMAGE),
    typed(FORM, NUMBERS),
    typed(b"text/plain", TEXT),
    lambda body: decode_npy(body, IMAGE),
    infer,
    lambda body: read_classify(RequestHead({}), body).decode(NUMBERS),
    rows(NdjsonReader),
    rows(CsvReader),
    tensor_protos,
    oip_tensors,
    typed(b"image/jpeg", COLOURS),
    lambda body: decode_npy(body, NUMBERS),
)


def one_input(data: bytes) -> None:
    if data:
        DECODERS[data[0] % len(DECODERS)](data[1:])


if __name__ == "__main__":
    fuzz(one_input)
