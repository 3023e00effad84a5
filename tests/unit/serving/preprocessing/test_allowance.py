"""What one request's images may come to, in every form of body that can bring images."""

import json
from base64 import b64encode
from collections.abc import Callable, Sequence
from contextvars import copy_context

import numpy as np
import pytest

from serving.contract.features import ImageFeature
from serving.contract.tensors import Array
from serving.errors import DeadlineExceeded, PayloadTooLarge, UndecodableImage
from serving.grpc.named_arrays import decode_named
from serving.prediction import Decode
from serving.preprocessing.allowance import Allowance, ImageLimits, allow
from serving.preprocessing.row_records import NdjsonReader
from serving.rest.natural_body import read_predict_body
from serving.rest.oip_body import read_infer
from serving.rest.request_head import RequestHead

MakeImage = Callable[..., bytes]
Body = Callable[[Sequence[bytes]], Decode]
FEATURES = (ImageFeature(name="image", shape=(2, 2), dtype="uint8"),)
SIDE, ROW_BYTES = 7, 4
LIMITS = ImageLimits(3 * SIDE * SIDE, 100 * ROW_BYTES)


def text(image: bytes) -> dict[str, str]:
    return {"b64": b64encode(image).decode()}


def posted(content_type: str, body: bytes) -> Decode:
    return read_predict_body(RequestHead({b"content-type": content_type.encode()}), body).decode


def instances(images: Sequence[bytes]) -> Decode:
    return posted("application/json", json.dumps({"instances": list(map(text, images))}).encode())


def records(images: Sequence[bytes]) -> Decode:
    rows = [{"image": text(image)} for image in images]
    return posted("application/json", json.dumps({"instances": rows}).encode())


def inputs(images: Sequence[bytes]) -> Decode:
    return posted("application/json", json.dumps({"inputs": {"image": list(map(text, images))}}).encode())


def form(images: Sequence[bytes]) -> Decode:
    parts = [b'--e\r\nContent-Disposition: form-data; name="image"\r\n\r\n%s\r\n' % image for image in images]
    return posted("multipart/form-data; boundary=e", b"".join(parts) + b"--e--\r\n")


def infer(images: Sequence[bytes]) -> Decode:
    raw = b"".join(len(image).to_bytes(4, "little") + image for image in images)
    tensor = {
        "name": "image",
        "shape": [len(images)],
        "datatype": "BYTES",
        "parameters": {"binary_data_size": len(raw)},
    }
    head = json.dumps({"inputs": [tensor]}).encode()
    return read_infer(RequestHead({b"inference-header-content-length": b"%d" % len(head)}), head + raw).decode


def lines(images: Sequence[bytes]) -> Decode:
    reader = NdjsonReader(10_000)
    found = reader.feed(b"".join(json.dumps(text(image)).encode() + b"\n" for image in images), last=True)
    return lambda features: reader.decode(0, found, features)


def grpc(images: Sequence[bytes]) -> Decode:
    array: Array = np.empty(len(images), object)
    array[:] = images
    return lambda features: decode_named({"image": array}, features, {"image": "/inputs/image"})


EVERY = pytest.mark.parametrize("body", [instances, records, inputs, form, infer, lines, grpc])


def decoded(decode: Decode, allowance: Allowance) -> Array:
    context = copy_context()
    context.run(allow, allowance)
    return context.run(decode, FEATURES)["image"]


def within(limits: ImageLimits = LIMITS, deadline_seconds: float = 1.0) -> Allowance:
    return Allowance(limits, deadline_seconds, lambda: 0.0)


@EVERY
def test_images_of_one_request_have_so_many_pixels_together(body: Body, image_bytes: MakeImage) -> None:
    image = image_bytes(np.zeros((SIDE, SIDE), np.uint8))
    assert len(decoded(body([image] * 3), within())) == 3
    broken = image[:45]  # has its header: nothing is decoded before they are all looked at
    with pytest.raises(PayloadTooLarge, match=r"196 pixels together; at most 147 .* in several requests") as refused:
        decoded(body([broken, image, image, image]), within())
    assert "3" in refused.value.pointer.split("/")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_each_kind_says_its_pixels_and_one_image_can_be_too_many(kind: str, image_bytes: MakeImage) -> None:
    image = image_bytes(np.zeros((SIDE, 3 * SIDE), np.uint8), kind)
    row = posted(f"image/{kind.lower()}", image)
    assert decoded(row, within()).shape == (1, 2, 2)
    with pytest.raises(PayloadTooLarge):
        decoded(row, within(LIMITS._replace(pixels=3 * SIDE * SIDE - 1)))


@EVERY
def test_tiny_images_that_become_large_tensors_are_refused_before_there_is_room_for_them(
    body: Body, image_bytes: MakeImage
) -> None:
    images = [image_bytes(np.zeros((1, 1), np.uint8))] * 3
    assert len(decoded(body(images), within(LIMITS._replace(tensor_bytes=3 * ROW_BYTES)))) == 3
    with pytest.raises(PayloadTooLarge, match="12 bytes once the images are decoded; at most 11"):
        decoded(body(images), within(LIMITS._replace(tensor_bytes=3 * ROW_BYTES - 1)))


def test_decoding_ends_between_images_once_nobody_waits_for_it(image_bytes: MakeImage) -> None:
    looks = iter(range(100))
    images = [image_bytes(np.zeros((1, 1), np.uint8))] * 10
    with pytest.raises(DeadlineExceeded):
        decoded(grpc(images), Allowance(LIMITS, 15.0, lambda: float(next(looks))))
    assert next(looks) == 16


@EVERY
def test_what_is_no_image_is_told_at_its_own_row_as_ever(body: Body, image_bytes: MakeImage) -> None:
    image = image_bytes(np.zeros((SIDE, SIDE), np.uint8))
    with pytest.raises(UndecodableImage) as refused:
        decoded(body([image, image[:45], b"no image", image]), within())
    assert "1" in refused.value.pointer.split("/")


def test_without_an_allowance_there_is_no_limit(image_bytes: MakeImage) -> None:
    image = image_bytes(np.zeros((SIDE, SIDE), np.uint8))
    assert len(grpc([image] * 200)(FEATURES)["image"]) == 200
