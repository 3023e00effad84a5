import pytest

from serving.readiness import missing_models


@pytest.mark.parametrize(
    ("been_live", "required", "reason"),
    [
        (set(), (), "no model version is live yet"),
        ({"digits"}, (), ""),
        ({"digits"}, ("digits",), ""),
        ({"digits"}, ("digits", "prices", "faces"), "not live yet: prices, faces"),
        (set(), ("digits",), "not live yet: digits"),
    ],
)
def test_ready_is_once_every_required_model_was_live(
    been_live: set[str], required: tuple[str, ...], reason: str
) -> None:
    assert missing_models(frozenset(been_live), required) == reason
