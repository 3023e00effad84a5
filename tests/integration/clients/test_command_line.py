"""`penstock predict` and `penstock-predict`, from their arguments to their output and exit code."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from penstock_client import WrongDtype
from penstock_client.__main__ import predict

from tests.integration.clients.stand_in import DIABETES, PNG_OF_A_SEVEN, StandIn

RECORD = [f"{name}=1.5" for name in DIABETES]
NOBODY = "http://127.0.0.1:1"


TWO_ROWS = '{"age": 1, "bmi": 2}\n{"age": 3, "bmi": 4}\n'
SECONDS = 60.0
"""A bound on waiting for an event, far beyond what it takes."""


def installed_alone(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "penstock_client", *arguments]
    return subprocess.run(
        command, input=stdin, capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )


@contextlib.contextmanager
def started(*arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    """The command with pipes; killed at the end where it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "penstock_client", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


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


def test_rows_come_from_standard_input(stand_in: StandIn) -> None:
    done = installed_alone("diabetes", "-", "--label", "stable", "--url", stand_in.url, stdin=TWO_ROWS)
    assert (done.returncode, done.stdout) == (0, "progression = 103\nprogression = 107\n")


def test_csv_comes_from_a_file_or_standard_input(stand_in: StandIn, tmp_path: Path) -> None:
    (tmp_path / "patients.csv").write_text("age,bmi\n1,2\n3,4\n")
    from_file = installed_alone("diabetes", str(tmp_path / "patients.csv"), "--url", stand_in.url)
    piped = installed_alone("diabetes", "-", "--csv", "--url", stand_in.url, stdin="age,bmi\n1,2\n3,4\n")
    assert from_file.stdout == piped.stdout == "progression = 103\nprogression = 107\n"


def test_a_wrong_line_is_named_after_the_answers_before_it(stand_in: StandIn) -> None:
    done = installed_alone("diabetes", "-", "--url", stand_in.url, stdin=f'{TWO_ROWS}{{"age": "old"}}\n{TWO_ROWS}')
    assert (done.returncode, done.stdout) == (1, "progression = 103\nprogression = 107\n")
    message = "a string where a number is expected (at standard input, line 3, /age)"
    assert done.stderr == f"penstock-predict: {message}\n"


def test_keep_going_answers_every_line(stand_in: StandIn) -> None:
    stdin = f'{TWO_ROWS}{{"age": "old"}}\nnonsense\n{TWO_ROWS}'
    done = installed_alone("diabetes", "-", "--keep-going", "--json", "--url", stand_in.url, stdin=stdin)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line.get("value", line.get("code")) for line in lines] == [103, 107, "WrongDtype", "InvalidInput", 103, 107]
    assert (done.returncode, done.stderr) == (1, "2 of 6 rows failed\n")


def test_answers_come_before_standard_input_ends(stand_in: StandIn) -> None:
    with started("diabetes", "-", "--url", stand_in.url) as process:
        assert process.stdin
        assert process.stdout
        for age in range(3):
            process.stdin.write(json.dumps({"age": age, "bmi": 1}).encode() + b"\n")
            process.stdin.flush()
            assert process.stdout.readline() == f"progression = {101 + age}\n".encode()
        process.stdin.close()
        assert process.wait(SECONDS) == 0


def test_ctrl_c_ends_it_while_it_waits_for_rows(stand_in: StandIn) -> None:
    with started("diabetes", "-", "--url", stand_in.url) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(b'{"age": 1, "bmi": 2}\n')
        process.stdin.flush()
        assert process.stdout.readline() == b"progression = 103\n"
        process.send_signal(signal.SIGINT)
        assert (process.wait(SECONDS), process.stderr.read()) == (130, b"")


def test_a_reader_that_has_enough_ends_it_quietly(stand_in: StandIn) -> None:
    with started("diabetes", "-", "--chunk-rows", "1", "--url", stand_in.url) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(b'{"age": 1, "bmi": 2}\n')
        process.stdin.flush()
        assert process.stdout.readline() == b"progression = 103\n"
        process.stdout.close()
        process.stdin.write(b'{"age": 1, "bmi": 2}\n')
        process.stdin.flush()
        assert (process.wait(SECONDS), process.stderr.read()) == (141, b"")


def test_credentials_and_priority_go_with_every_request(stand_in: StandIn) -> None:
    done = installed_alone(*("diabetes", *RECORD, "--priority", "batch", "--url", stand_in.url), PENSTOCK_API_KEY="k-1")
    assert done.returncode == 0
    headers = stand_in.asked[-1][2]
    assert (headers["x-api-key"], headers["x-priority"]) == ("k-1", "batch")
    assert installed_alone("diabetes", *RECORD, "--token", "t-1", "--url", stand_in.url).returncode == 0
    assert stand_in.asked[-1][2]["authorization"] == "Bearer t-1"


def test_an_empty_credential_in_the_environment_is_none(stand_in: StandIn) -> None:
    done = installed_alone("diabetes", *RECORD, "--url", stand_in.url, PENSTOCK_API_KEY="", PENSTOCK_TOKEN="")
    assert (done.returncode, done.stderr) == (0, "")
    assert not {"x-api-key", "authorization"} & stand_in.asked[-1][2].keys()


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
        ["digits", "1", "--concurrency", "0"],
        ["digits", "1", "--chunk-rows", "0"],
        ["digits", "1", "--retries", "-1"],
        ["digits", "1", "--api-key", "k", "--token", "t"],
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
