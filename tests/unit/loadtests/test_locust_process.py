import os
from pathlib import Path

from loadtests.locust_process import Load, locust_command, locust_environment


def load(api_key: str | None = None) -> Load:
    return Load(
        scenario="steady",
        users_kinds=("RestUser",),
        url="http://here",
        grpc="",
        model="digits",
        users=1,
        spawn_rate=1.0,
        seconds=1.0,
        think_seconds=0.0,
        seed=1,
        api_key=api_key,
    )


def test_the_key_is_in_locusts_environment_and_not_among_its_arguments() -> None:
    keyed = load("psk_secret")
    assert locust_environment(keyed)["PENSTOCK_API_KEY"] == "psk_secret"
    assert "psk_secret" not in f"{locust_command(keyed, Path('out'))} {keyed!r}"


def test_without_a_key_the_environment_is_this_processs() -> None:
    assert locust_environment(load()) == dict(os.environ)
