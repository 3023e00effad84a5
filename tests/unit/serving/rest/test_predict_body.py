from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.contract.features import Feature, ImageFeature, NumberFeature
from serving.errors import InvalidInput, UndecodableImage, UnsupportedMediaType, WrongDtype
from serving.rest import natural_body
from serving.rest.ask import Ask
from serving.rest.predict_body import read_predict_json
from serving.rest.request_head import RequestHead

JSON = "application/json"
NUMBER: Sequence[Feature] = (NumberFeature(name="x"),)
IMAGE: Sequence[Feature] = (ImageFeature(name="image", shape=(2, 2)),)


def read_predict_body(media_type: str, body: bytes) -> Ask:
    return natural_body.read_predict_body(RequestHead({b"content-type": media_type.encode()}), body)


@pytest.mark.parametrize("media_type", ["", JSON, "application/x-www-form-urlencoded", "text/plain"])
def test_json_is_read_under_whatever_name_curl_gives_it(media_type: str) -> None:
    body = read_predict_body(media_type, b'{"instances": [1, 2]}')
    assert body.signature == "serving_default"
    assert body.decode(NUMBER)["x"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize(("given", "signature"), [("classify", "classify"), ("", "serving_default")])
def test_the_signature_is_the_callers_or_the_default(given: str, signature: str) -> None:
    body = read_predict_body(JSON, b'{"instances": [1], "signature_name": "%s"}' % given.encode())
    assert body.signature == signature


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "image/*", "application/octet-stream"])
def test_bytes_are_one_row_for_a_model_of_one_image(media_type: str) -> None:
    body = read_predict_body(media_type, b"no image")
    with pytest.raises(UndecodableImage) as refused:
        body.decode(IMAGE)
    assert refused.value.pointer == ""


@pytest.mark.parametrize("features", [NUMBER, [*IMAGE, *NUMBER]])
def test_bytes_for_another_model_are_refused(features: Sequence[Feature]) -> None:
    with pytest.raises(UnsupportedMediaType, match="`x` and not one image; send application/json"):
        read_predict_body("image/png", b"").decode(features)


@pytest.mark.parametrize("media_type", ["application/xml", "video/mp4", "x" * 1000])
def test_another_content_type_is_refused(media_type: str) -> None:
    with pytest.raises(UnsupportedMediaType, match="is not read here; send application/json") as refused:
        read_predict_body(media_type, b"{}")
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize(
    ("body", "error", "pointer", "message"),
    [
        (b"", InvalidInput, "", "the body is empty"),
        (b"{", InvalidInput, "", "not JSON"),
        (b'{"instances": [NaN}', InvalidInput, "", "not JSON"),
        (b'{"instances": ["\\ud800", NaN]}', InvalidInput, "", "not JSON"),
        (b'{"instances": [nan]}', InvalidInput, "", "not JSON"),
        (b'{"instances": ["\xff"]}', InvalidInput, "", "not JSON"),
        (b'{"instances": ["\\ud800"]}', InvalidInput, "", "not JSON"),
        (b"\xef\xbb\xbf{}", InvalidInput, "", "not JSON"),
        (b"[" * 100_000, InvalidInput, "", "not JSON"),
        (b'{"instances":' + b"[" * 100_000 + b"]" * 100_000 + b"}", InvalidInput, "", "not JSON"),
        (b"[1]", WrongDtype, "", "must be an object"),
        (b"null", WrongDtype, "", "must be an object"),
        (b"{}", InvalidInput, "", "no `instances`"),
        (b'{"instances": [1], "inputs": [1]}', InvalidInput, "/inputs", "send one of them"),
        (b'{"instances": [1], "b": 1, "a/b": 1}', InvalidInput, "/a~1b", "unknown key 'a/b'"),
        (b'{"instances": [1], "signature_name": 3}', WrongDtype, "/signature_name", "not a string"),
        (b'{"instances": [1], "signature_name": null}', WrongDtype, "/signature_name", "not a string"),
    ],
)
def test_a_wrong_body_is_refused_by_kind_and_place(
    body: bytes, error: type[InvalidInput], pointer: str, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message) as refused:
        read_predict_body(JSON, body)
    assert (type(refused.value), refused.value.pointer) == (error, pointer)


@settings(deadline=None)
@given(body=st.binary(max_size=30) | st.text(alphabet='{}[]":,intacse 1\\', max_size=30).map(str.encode))
def test_any_bytes_are_a_body_or_invalid_input(body: bytes) -> None:
    try:
        read_predict_body(JSON, body)
    except InvalidInput as error:
        assert str(error)  # noqa: PT017 - being refused is as right as being read


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"instances": [{"b64": "aa"}]}', True),
        (b' {"inputs": {"\\u0062\\u0036\\u0034": "aa"}}', True),
        (b'{"instances": ["b64", "\\u0062"]}', False),
        (b'{"instances": [{"x": "\\n"}]}', False),
    ],
)
def test_images_may_be_where_an_object_within_may_have_their_key(body: bytes, expected: bool) -> None:  # noqa: FBT001 - the case
    assert read_predict_json(body).has_image_bytes is expected
