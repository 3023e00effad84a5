"""The console before a gateway that asks for a key, in a real browser: it asks once, and keeps what it was shown."""

import os
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from serving.keys_verb import run as keys
from tests.integration.console.console_parts import Theatre
from tests.processes import StartGateway


@pytest.fixture(scope="module")
def seen(
    theatre: Theatre,
    console_models: Path,
    start_gateway_session: StartGateway,
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:
    file, said = tmp_path_factory.mktemp("keys") / "keys.toml", StringIO()
    with redirect_stdout(said), redirect_stderr(StringIO()):
        keys(["new", "person", "--file", str(file)])
    gateway = start_gateway_session("--models", str(console_models), "--api-keys", str(file))
    os.environ["PENSTOCK_TEST_KEY"] = said.getvalue().strip()
    return theatre.play("credentials", gateway.url)


def test_it_asks_once_and_everybody_can_answer(seen: Any) -> None:
    assert seen["grave"] == []
    assert seen["refused"] == "The gateway does not take this key or token, or takes it no longer."


def test_the_key_is_kept_in_the_tab_alone_until_it_is_forgotten(seen: Any) -> None:
    assert seen["kept"] == [1, 0]
    assert seen["forgotten"] == 0


def test_a_report_is_shown_in_a_frame_that_runs_nothing(seen: Any) -> None:
    assert "diabetes" in seen["heading"].lower()
    assert seen["inside"] == {"sheets": True, "images": True, "sandbox": "allow-same-origin"}
