import pytest

from serving.catalog import ModelReference
from serving.errors import InvalidInput, UnknownVersion
from serving.request_ids import RequestIds
from serving.rest.request_head import RequestHead, reference_of


@pytest.mark.parametrize("given", [b"a", b"3f2c-77", b"user@host:4/a=b+c_d.e", b"x" * 128])
def test_a_plain_request_id_is_kept(given: bytes) -> None:
    assert RequestIds().of(RequestHead({b"x-request-id": given}).given_id) == given.decode()


@pytest.mark.parametrize(
    "given", [b"", b"x" * 129, b"a b", b"a\r\nSet-Cookie: x=1", b"a\n", b"\xc3\xa9", b"a\0", b'"a"', b"<script>"]
)
def test_any_other_request_id_is_replaced(given: bytes) -> None:
    replaced = RequestIds().of(RequestHead({b"x-request-id": given}).given_id)
    assert replaced.encode() != given
    assert replaced.replace("-", "").isalnum()


def test_made_up_ids_differ_within_and_across_processes() -> None:
    one, other, nothing = RequestIds(), RequestIds(), RequestHead({}).given_id
    assert len({one.of(nothing), one.of(nothing), other.of(nothing), other.of(nothing)}) == 4


@pytest.mark.parametrize(("given", "seconds"), [(b"250", 0.25), (b"0.5", 0.0005), (b"60000", 30), (b"inf", 30)])
def test_the_callers_time_is_taken_up_to_the_most(given: bytes, seconds: float) -> None:
    assert RequestHead({b"x-request-timeout-ms": given}).timeout_seconds(30) == seconds


def test_without_the_callers_time_it_is_the_most() -> None:
    assert RequestHead({}).timeout_seconds(30) == 30


@pytest.mark.parametrize("given", [b"", b"0", b"-5", b"nan", b"-inf", b"soon", b"5s", b"\xff", b"1,5"])
def test_a_time_that_is_no_positive_number_is_refused(given: bytes) -> None:
    with pytest.raises(InvalidInput, match="X-Request-Timeout-Ms"):
        RequestHead({b"x-request-timeout-ms": given}).timeout_seconds(30)


@pytest.mark.parametrize(
    ("given", "media_type"),
    [(b"application/json", "application/json"), (b"Image/PNG; q=1", "image/png"), (b" text/plain ;", "text/plain")],
)
def test_the_media_type_stands_alone_and_in_lower_case(given: bytes, media_type: str) -> None:
    assert RequestHead({b"content-type": given}).media_type == media_type


def test_no_content_type_is_an_empty_one() -> None:
    assert RequestHead({}).media_type == ""


@pytest.mark.parametrize(
    ("path", "reference"),
    [
        ({}, ModelReference("digits")),
        ({"version": "3"}, ModelReference("digits", version=3)),
        ({"version": "0"}, ModelReference("digits", version=0)),
        ({"label": "canary"}, ModelReference("digits", label="canary")),
    ],
)
def test_a_path_names_a_model_and_maybe_one_of_it(path: dict[str, str], reference: ModelReference) -> None:
    assert reference_of({"model": "digits", **path}) == reference


@pytest.mark.parametrize("version", ["stable", "-1", "1.0", "", "1" * 19, "\u0661", "1 "])
def test_a_version_that_is_no_number_is_unknown(version: str) -> None:
    with pytest.raises(UnknownVersion, match="is not a version number"):
        reference_of({"model": "digits", "version": version})
