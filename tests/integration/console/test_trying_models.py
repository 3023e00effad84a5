"""The console in a real browser, before a real gateway: models are tried, watched, and looked at."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import absent
from tests.integration.console.conftest import UNIT
from tests.integration.console.console_parts import FOLDER, SCENE_SECONDS, Theatre
from tests.processes import ROOT, GatewayProcess
from tests.swaps import publish_again


@pytest.fixture(scope="module")
def asked(theatre: Theatre, console_gateway: GatewayProcess) -> Any:
    return theatre.play("asks", console_gateway.url)


def sent_by(curl: str, gateway: GatewayProcess) -> Any:
    """What the gateway answers to the command that the page shows."""
    words = shlex.split(curl.replace("\\\n", " "))
    assert words[0] == "curl"
    assert words[1].startswith(gateway.url)
    status, answer, _ = gateway.post(words[1].removeprefix(gateway.url), words[words.index("-d") + 1].encode())
    assert status == 200
    return answer["predictions"]


def test_a_drawn_three_is_a_three(asked: Any) -> None:
    drawn = asked["drawn"]
    assert (drawn["label"], drawn["version"], drawn["bars"]) == ("3", "1", 10)
    assert drawn["pixels"] == [8, 8]
    assert drawn["cleared"] == "draw something or choose a file first"
    assert [stage.split()[0] for stage in drawn["stages"]] == ["decode", "queue", "backend", "encode"]


def test_the_curl_to_copy_is_the_call_that_was_made(asked: Any, console_gateway: GatewayProcess) -> None:
    [probabilities] = sent_by(asked["drawn"]["calls"]["curl"], console_gateway)
    assert max(range(10), key=probabilities.__getitem__) == 3
    [[value]] = sent_by(asked["patient"]["calls"]["curl"], console_gateway)
    assert f"{value:.1f}" == asked["patient"]["value"]


def test_the_python_to_copy_runs_and_is_answered_the_same(asked: Any, tmp_path: Path) -> None:
    clients = {**os.environ, "PYTHONPATH": str(ROOT / "clients" / "python")}
    printed = {
        name: run([sys.executable, "-c", asked[name]["calls"]["Python"]], tmp_path, clients)
        for name in ("drawn", "patient")
    }
    assert "label='3'" in printed["drawn"]
    assert f"value={asked['patient']['value']}" in printed["patient"]


def test_the_typescript_to_copy_runs_and_is_answered_the_same(asked: Any, theatre: Theatre, tmp_path: Path) -> None:
    if not (ROOT / "clients" / "typescript" / "dist" / "index.js").exists():
        absent("needs the TypeScript client built (make client-ts)")
    (tmp_path / "node_modules").symlink_to(FOLDER / "node_modules")
    printed = {}
    for name in ("drawn", "patient"):
        script = tmp_path / f"{name}.mjs"
        script.write_text(asked[name]["calls"]["TypeScript"])
        printed[name] = run([theatre.node, str(script)], tmp_path, {**os.environ})
    assert "label: '3'" in printed["drawn"]
    assert f"value: {asked['patient']['value']}" in printed["patient"]


def run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=folder, env=environment, timeout=SCENE_SECONDS
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_patient_is_filled_in_from_examples_and_answered_with_the_unit(
    asked: Any, console_gateway: GatewayProcess
) -> None:
    manifest = console_gateway.get("/v1/models/diabetes/metadata")["metadata"]["manifest"]
    ages = [float(example["instance"]["age"]) for example in manifest["golden_examples"][:2]]
    patient = asked["patient"]
    assert [float(age) for age in patient["ages"]] == ages
    assert patient["unit"] == UNIT
    assert "10 to 100" in patient["hint"]


def test_an_error_stands_at_its_field_until_it_is_corrected(asked: Any) -> None:
    wrong = asked["wrong"]
    assert wrong["invalid"] == ["bmi"]
    assert any("413 is outside the range 10 to 100" in text for text in wrong["described"])
    assert wrong["focused"] == "bmi"
    assert wrong["id"]
    assert wrong["left"] == 0


def test_keys_alone_reach_the_form_send_it_and_the_answer_is_heard(asked: Any) -> None:
    keys = asked["keys"]
    assert keys["first"] == "Skip to the model"
    assert (keys["reached"], keys["age"]) == ("age", "60")
    assert keys["outlined"] != "none"
    assert keys["role"] == "status"
    assert keys["heard"].startswith("progression ")
    assert keys["heard"].endswith("by version 2")


def test_axe_finds_nothing_grave_in_light_in_dark_and_on_a_phone(
    theatre: Theatre, console_gateway: GatewayProcess
) -> None:
    found = theatre.play("looks", console_gateway.url)
    assert set(found) == {"light", "dark", "phone"}
    looks = {f"{name}, {state}": look for name, states in found.items() for state, look in states.items()}
    assert {name: look["grave"] for name, look in looks.items() if look["grave"]} == {}
    assert {name: look["overflow"] for name, look in looks.items() if look["overflow"] > 0} == {}
    assert min(look["passes"] for look in looks.values()) > 20


def test_a_version_published_while_the_page_is_open_appears_and_answers(
    theatre: Theatre, console_gateway: GatewayProcess, console_models: Path
) -> None:
    found = theatre.play("watches", console_gateway.url, {"publish": lambda: publish_again(console_models, "digits")})
    assert found["before"] == 1
    assert "digits version 2 is available." in found["said"]
    assert "digits" in found["report"]
    assert found["charts"] == 6


def test_what_is_missing_is_told_and_gives_way_to_what_comes(theatre: Theatre, console_gateway: GatewayProcess) -> None:
    found = theatre.play("missing", console_gateway.url)
    assert found == {
        "waiting": "Asking the gateway…",
        "unreachable": "The gateway does not answer",
        "empty": "Nothing is published yet",
        "banners": 0,
        "drift": [["wild", "0.400", "shifted", "500"], ["calm", "0.020", "steady", "500"]],
        "shares": ["10.0 %", "90.0 %"],
    }
