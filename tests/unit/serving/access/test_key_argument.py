import argparse

import pytest

from serving.access.key_argument import add_key_argument, chosen_key, key_headers, without_keys
from serving.errors import InvalidSettings

KEY = "psk_00000000_secret"


@pytest.mark.parametrize(
    ("given", "environment", "expected"),
    [
        (KEY, {"PENSTOCK_API_KEY": "other"}, KEY),
        (None, {"PENSTOCK_API_KEY": KEY}, KEY),
        ("", {"PENSTOCK_API_KEY": KEY}, KEY),
        (None, {"PENSTOCK_API_KEY": ""}, None),
        (None, {}, None),
    ],
)
def test_the_option_goes_before_the_environment(
    given: str | None, environment: dict[str, str], expected: str | None
) -> None:
    assert chosen_key(given, environment) == expected


@pytest.mark.parametrize(
    ("given", "environment", "named"),
    [(f"{KEY}\n", {}, "--api-key"), (None, {"PENSTOCK_API_KEY": f"{KEY}é"}, "PENSTOCK_API_KEY")],
)
def test_what_no_header_carries_is_told_by_its_source_and_not_shown(
    given: str | None, environment: dict[str, str], named: str
) -> None:
    with pytest.raises(InvalidSettings, match=f"^{named} holds") as refused:
        chosen_key(given, environment)
    assert "secret" not in str(refused.value)


def test_no_key_is_no_header() -> None:
    assert key_headers(None) == {}
    assert key_headers(KEY) == {"x-api-key": KEY}


@pytest.mark.parametrize(
    ("command", "hidden"),
    [
        (("--api-key", KEY, "--users", "2"), ("--api-key", "...", "--users", "2")),
        ((f"--api-key={KEY}", "steady"), ("--api-key=...", "steady")),
        (("--api-key", "first", "--api-k", KEY), ("--api-key", "...", "--api-k", "...")),
        ((f"--ap={KEY}",), ("--ap=...",)),
        (("--api-key", "a", "--model", "digits"), ("--api-key", "...", "--model", "digits")),
        (("--url", "http://here?a=b", "--trace", "a=b"), ("--url", "http://here?a=b", "--trace", "a=b")),
        (("--users", "2", "--api-key"), ("--users", "2", "--api-key")),
    ],
)
def test_a_command_that_is_kept_has_no_key(command: tuple[str, ...], hidden: tuple[str, ...]) -> None:
    assert without_keys(command) == hidden


def test_the_option_is_parsed_as_it_is_hidden() -> None:
    parser = argparse.ArgumentParser()
    add_key_argument(parser)
    assert parser.parse_args(["--api-k", KEY]).api_key == KEY
    assert parser.parse_args([]).api_key is None
