import argparse

import pytest

from serving.access.key_argument import add_key_argument, chosen_key, key_headers, key_variables, without_keys
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
        (("--token", "eyJ.a", "--tok=eyJ.b"), ("--token", "...", "--tok=...")),
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


def test_a_token_takes_the_place_of_a_key_in_headers_and_for_other_processes() -> None:
    parser = argparse.ArgumentParser()
    add_key_argument(parser)
    given = parser.parse_args(["--token", "eyJ.a"])
    environment = {"PENSTOCK_API_KEY": KEY}
    token = chosen_key(given.api_key, environment, token=given.token)
    assert key_headers(token) == {"authorization": "Bearer eyJ.a"}
    environment |= key_variables(token)
    assert key_headers(chosen_key(None, environment)) == {"authorization": "Bearer eyJ.a"}
    assert key_headers(chosen_key(KEY, environment)) == {"x-api-key": KEY}
    environment |= key_variables(KEY)
    assert chosen_key(None, environment) == KEY


@pytest.mark.parametrize(
    ("given", "token", "environment", "named"),
    [
        (KEY, "eyJ.secret", {}, "--api-key and --token"),
        (None, None, {"PENSTOCK_API_KEY": KEY, "PENSTOCK_TOKEN": "eyJ.secret"}, "PENSTOCK_API_KEY and PENSTOCK_TOKEN"),
        (None, "eyJ.secret\n", {}, "--token holds"),
    ],
)
def test_both_at_once_are_refused_and_neither_is_shown(
    given: str | None, token: str | None, environment: dict[str, str], named: str
) -> None:
    with pytest.raises(InvalidSettings, match=f"^{named}") as refused:
        chosen_key(given, environment, token=token)
    assert "secret" not in str(refused.value)
