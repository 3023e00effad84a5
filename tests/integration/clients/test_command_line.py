"""`penstock predict` and `penstock-predict`, from their arguments to their output and exit code."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from penstock_client import WrongDtype
from penstock_client.__main__ import predict

from tests.integration.clients.stand_in import DIABETES, PNG_OF_A_SEVEN, StandIn

RECORD = [f"{name}=1.5" for name in DIABETES]
NOBODY = "http://127.0.0.1:1"


def installed_alone(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "penstock_client", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_record_is_answered_on_one_line(stand_in: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    assert predict(["diabetes", *RECORD, "--url", stand_in.url]) == 0
    assert capsys.readouterr().out == "progression = 103\n"


def test_images_are_answered_with_their_names(
    stand_in: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.png").write_bytes(PNG_OF_A_SEVEN)
    (tmp_path / "b.png").write_bytes(PNG_OF_A_SEVEN)
    files = [str(tmp_path / name) for name in ("a.png", "b.png")]
    assert predict(["digits", files[0], "--json", "--url", stand_in.url, files[1], "--version", "2"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["input"], line["label"], line["version"]) for line in lines] == [
        (files[0], "seven", 2),
        (files[1], "seven", 2),
    ]


def test_rows_come_from_standard_input(
    stand_in: StandIn, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"age": 1, "bmi": 2}\n{"age": 3, "bmi": 4}\n'))
    assert predict(["diabetes", "-", "--label", "stable", "--url", stand_in.url]) == 0
    assert capsys.readouterr().out == "progression = 103\nprogression = 107\n"


def test_as_a_verb_it_raises_what_the_dispatcher_prints(stand_in: StandIn) -> None:
    with pytest.raises(WrongDtype, match="a number is expected"):
        predict(["diabetes", "age=old", "bmi=30", "--url", stand_in.url])


def test_installed_alone_it_tells_a_failure_in_one_line(stand_in: StandIn) -> None:
    done = installed_alone("diabetes", "age=old", "bmi=30", "--url", stand_in.url)
    message = "penstock-predict: a string where a number is expected (at /instances/0/age)\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", message)


def test_debug_shows_the_traceback() -> None:
    done = installed_alone("diabetes", "age=59", "--debug", "--url", NOBODY)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "ConnectionFailed" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["digits"],
        ["digits", "[1"],
        ["digits", "1", "--url", "127.0.0.1:8080"],
        ["digits", "1", "--timeout-seconds", "0"],
        ["digits", "1", "--version", "2", "--label", "canary"],
    ],
)
def test_wrong_use_exits_with_2_and_the_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        predict(arguments)
    assert exited.value.code == 2
    assert capsys.readouterr().err.startswith("usage: penstock predict")


def test_a_negative_number_is_an_input_and_not_an_option(stand_in: StandIn) -> None:
    with pytest.raises(Exception, match="Could not find"):
        predict(["temperature", "-3.5", "--url", stand_in.url])
