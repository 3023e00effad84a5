"""Natural inputs by their Content-Type: text, forms and .npy, and the answers that Accept asks for."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from serving.contract.features import CategoryFeature, Feature, ImageFeature, NumberFeature, TensorFeature, TextFeature
from serving.contract.tensors import Array
from serving.errors import InvalidInput
from serving.preprocessing.npy import read_npy, write_npy
from serving.rest.accept import preferred
from serving.rest.natural_body import read_predict_body
from serving.rest.request_head import RequestHead

TEXT: Sequence[Feature] = (TextFeature(name="message"),)
IMAGE: Sequence[Feature] = (ImageFeature(name="image", shape=(2, 2)),)
TENSOR: Sequence[Feature] = (TensorFeature(name="x", shape=(2,)),)
NUMBERS: Sequence[Feature] = (NumberFeature(name="a", range=(0, 9)), NumberFeature(name="b", dtype="int64"))
MIXED: Sequence[Feature] = (
    NumberFeature(name="age", range=(0, 120)),
    CategoryFeature(name="colour", default="red"),
    NumberFeature(name="count", dtype="int64", default=3),
)


def decoded(content_type: str, body: bytes, features: Sequence[Feature]) -> dict[str, Array]:
    head = RequestHead({b"content-type": content_type.encode()})
    return read_predict_body(head, body).decode(features)


def npy(array: Any) -> bytes:
    return write_npy(np.asarray(array))


def form(*parts: tuple[str, bytes]) -> bytes:
    made = [
        b'--edge\r\nContent-Disposition: form-data; name="%s"; filename="f"\r\n\r\n%s\r\n' % (name.encode(), value)
        for name, value in parts
    ]
    return b"".join(made) + b"--edge--\r\n"


FORM = "multipart/form-data; boundary=edge"


@pytest.mark.parametrize("text", ["free money", "{not json", '{"a": 1}', "", "grüß"])
def test_text_is_one_row_for_a_model_of_one_text(text: str) -> None:
    assert decoded("text/plain; charset=utf-8", text.encode(), TEXT)["message"].tolist() == [text.encode()]


def test_json_that_fetch_calls_text_is_json() -> None:
    assert decoded("text/plain", b'{"instances": ["a", "b"]}', TEXT)["message"].tolist() == [b"a", b"b"]


def test_a_npy_of_one_feature_is_its_rows_without_a_copy() -> None:
    array: Array = np.array([[1, 2], [3, 4]], np.float32)
    found = decoded("application/x-npy", npy(array), TENSOR)["x"]
    np.testing.assert_array_equal(found, array)
    assert not found.flags.owndata


@pytest.mark.parametrize("dtype", ["<f8", ">f4", "<i4", "|u1"])
def test_a_npy_of_another_dtype_or_order_is_taken_where_nothing_is_lost(dtype: str) -> None:
    array: Any = np.asfortranarray(np.array([[1, 2], [3, 4], [5, 6]], dtype))
    found = decoded("application/octet-stream", npy(array), TENSOR)["x"]
    assert (found.dtype.name, found.tolist()) == ("float32", [[1, 2], [3, 4], [5, 6]])


def test_a_npy_of_numbers_has_a_column_a_feature() -> None:
    found = decoded("application/x-npy", npy(np.array([[1, 2], [3, 4]])), NUMBERS)
    assert {name: column.tolist() for name, column in found.items()} == {"a": [1, 3], "b": [2, 4]}


def test_strings_may_come_as_npy() -> None:
    assert decoded("application/x-npy", npy(np.array(["a", "bc"])), TEXT)["message"].tolist() == [b"a", b"bc"]


def test_a_form_has_a_part_a_feature() -> None:
    found = decoded(FORM, form(("age", b"61"), ("colour", b"blue")), MIXED)
    assert {name: column.tolist() for name, column in found.items()} == {"age": [61], "colour": [b"blue"], "count": [3]}


def test_parts_of_one_name_are_rows() -> None:
    found = decoded(FORM, form(("age", b"1"), ("count", b"7"), ("age", b"2"), ("count", b"")), MIXED)
    assert (found["age"].tolist(), found["count"].tolist()) == ([1, 2], [7, 3])


@pytest.mark.parametrize("name", ["image", "file"])
def test_a_file_is_the_image_whatever_its_part_is_called(name: str) -> None:
    file = BytesIO()
    Image.fromarray(np.array([[1, 2], [3, 4]], np.uint8)).save(file, "PNG")
    found = decoded(FORM, form((name, file.getvalue()), (name, file.getvalue())), IMAGE)
    assert found["image"].tolist() == [[[1, 2], [3, 4]]] * 2


NPY = "application/x-npy"


@pytest.mark.parametrize(
    ("content_type", "body", "features", "code", "pointer"),
    [
        ("text/plain", b"a", NUMBERS, "UnsupportedMediaType", ""),
        ("text/plain", b"\xff", TEXT, "InvalidInput", ""),
        (NPY, b"", TENSOR, "InvalidInput", ""),
        (NPY, b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65535, TENSOR, "InvalidInput", ""),
        (NPY, npy([[1.0, 2.0]])[:-1], TENSOR, "WrongShape", ""),
        (NPY, npy(np.zeros((0, 2))), TENSOR, "WrongShape", ""),
        (NPY, npy(1.0), TENSOR, "WrongShape", ""),
        (NPY, npy([[1.0, 2.0, 3.0]]), TENSOR, "WrongShape", "/0"),
        (NPY, npy([[1.0, 2.0], [np.nan, 1]]), TENSOR, "OutOfRange", "/1"),
        (NPY, npy([["a", "b"]]), TENSOR, "WrongDtype", "/0"),
        (NPY, npy(np.array([[1j, 2]])), TENSOR, "WrongDtype", ""),
        (NPY, npy([[1, 2, 3]]), NUMBERS, "WrongShape", ""),
        (NPY, npy([[1, 2], [10, 2]]), NUMBERS, "OutOfRange", "/1/0"),
        (NPY, npy([[1.5, 2.5]]), NUMBERS, "WrongDtype", "/0/1"),
        (NPY, npy([[1, 2, 3]]), MIXED, "UnsupportedMediaType", ""),
        ("multipart/form-data", b"", MIXED, "InvalidInput", ""),
        (FORM, b"", MIXED, "InvalidInput", ""),
        (FORM, b"--edge--\r\n", MIXED, "InvalidInput", ""),
        (FORM, form(("age", b"1"))[:-12], MIXED, "InvalidInput", ""),
        (FORM, form(("age", b"old"), ("count", b"1")), MIXED, "WrongDtype", "/age/0"),
        (FORM, form(("age", b"1_0"), ("count", b"1")), MIXED, "WrongDtype", "/age/0"),
        (FORM, form(("age", b"121"), ("count", b"1")), MIXED, "OutOfRange", "/age/0"),
        (FORM, form(("age", b"1"), ("count", b"1.5")), MIXED, "WrongDtype", "/count/0"),
        (FORM, form(("age", b"1"), ("colour", b"\xff")), MIXED, "InvalidInput", "/colour/0"),
        (FORM, form(("age", b"1"), ("color", b"red")), MIXED, "UnknownField", "/color"),
        (FORM, form(("age", b"1"), ("age", b"1"), ("count", b"1")), MIXED, "WrongShape", "/count"),
        (FORM, form(("count", b"1"), ("colour", b"red")), MIXED, "MissingField", "/age/0"),
        (FORM, form(*[("age", b"1")] * 1001), MIXED, "PayloadTooLarge", ""),
    ],
)
def test_what_is_wrong_is_named(
    content_type: str, body: bytes, features: Sequence[Feature], code: str, pointer: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        decoded(content_type, body, features)
    assert (type(refused.value).__name__, refused.value.pointer) == (code, pointer)


def test_a_pickle_is_never_opened() -> None:
    file = BytesIO()
    np.save(file, np.array([{}], object), allow_pickle=True)
    with pytest.raises(InvalidInput, match="an array of object"):
        read_npy(file.getvalue())


@given(arrays.arrays(st.sampled_from(["bool", "u1", "<i4", ">i8", "<f2", "<f4", ">f8", "S3", "U2"]),
                     arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)))  # fmt: skip
def test_what_is_written_is_read_back(array: Array) -> None:
    back = read_npy(write_npy(array))
    np.testing.assert_array_equal(back, array)
    assert (back.dtype, back.shape) == (array.dtype, array.shape)


@given(st.binary(max_size=200), st.integers(0, 120), st.binary(max_size=6))
def test_any_bytes_are_an_array_or_invalid_input(tail: bytes, place: int, damage: bytes) -> None:
    whole = write_npy(np.zeros(3, np.float32))
    for body in (tail, b"\x93NUMPY" + tail, whole[:place] + damage + whole[place + len(damage) :]):
        try:
            assert isinstance(read_npy(body), np.ndarray)
        except InvalidInput as error:
            assert str(error)  # noqa: PT017 - being refused is as right as being read


@given(st.binary(max_size=80), st.sampled_from([FORM, "text/plain", NPY, "application/octet-stream"]))
def test_any_body_is_read_or_refused(body: bytes, content_type: str) -> None:
    for given_body in (body, form(("age", body)), form(("age", b"1"), ("colour", body))):
        for features in (TEXT, IMAGE, TENSOR, MIXED):
            try:
                decoded(content_type, given_body, features)
            except InvalidInput as error:
                assert str(error)  # noqa: PT017 - being refused is as right as being read


OFFERS = ("application/json", "application/x-npy")


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, 0),
        (b"*/*", 0),
        (b"application/x-npy", 1),
        (b"application/json;q=0.5, application/x-npy", 1),
        (b"application/x-npy;q=0.1, */*", 0),
        (b"application/*", 0),
        (b"text/html", 0),
        (b"application/x-npy;q=x", 0),
    ],
)
def test_the_caller_gets_the_form_it_would_rather_have(accept: bytes | None, chosen: int) -> None:
    assert preferred(accept, OFFERS) == OFFERS[chosen]
