import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.errors import InvalidSettings
from serving.model_store.object_store.address import StoreAddress, parse_address

FILE = "file" + "://"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("s3://models", StoreAddress("s3", "models")),
        ("S3://models/prod/", StoreAddress("s3", "models/prod")),
        ("gs://models//a/b", StoreAddress("gs", "models/a/b")),
        ("/srv/store/", StoreAddress("file", "/srv/store")),
        ("store", StoreAddress("file", "/here/store")),
        (FILE + "/srv/my%20store", StoreAddress("file", "/srv/my store")),
    ],
)
def test_what_people_write(text: str, address: StoreAddress) -> None:
    assert parse_address(text, folder="/here") == address


@pytest.mark.parametrize(
    "text",
    [
        "ftp://models/prod",
        "s3://",
        "s3:///prod",
        "s3://a",
        "s3://models/../other",
        "s3://models/prod?versionId=3",
        "s3://models/prod#1",
        "s3://mod els/prod",
        "s3://models/a\\b",
        "s3://[",
        FILE + "host/srv",
        "/srv/../etc",
    ],
)
def test_what_is_no_store(text: str) -> None:
    with pytest.raises(InvalidSettings):
        parse_address(text, folder="/here")


@pytest.mark.parametrize("text", ["s3://key:sesame@models/prod", "s3://sesame@models", FILE + "me:sesame@host/x"])
def test_a_password_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        parse_address(text, folder="/here")
    assert "sesame" not in str(refused.value)


@settings(max_examples=40)
@given(st.text(max_size=40), st.sampled_from(["", "s3://", "gs://models/", FILE + "/"]))
def test_whatever_is_written_an_address_has_no_way_up(text: str, start: str) -> None:
    try:
        address = parse_address(start + text, folder="/here")
    except InvalidSettings:
        return
    assert ".." not in address.path.split("/")
    assert parse_address(str(address), folder="/elsewhere") == address or "%" in text or start.startswith("file")
