"""`penstock loadtest` on the command line, as far as it goes without a gateway."""

import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.asked_model import NotServed
from loadtests.loadtest_verb import INSTRUMENTS, run
from loadtests.shapes import SCENARIOS


def test_help_names_the_scenarios_and_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(["--help"])
    told = capsys.readouterr().out
    assert ended.value.code == 0
    for part in (*SCENARIOS, *INSTRUMENTS, "--protocol", "--processes", "--slo", "--own-gateway"):
        assert part in told


@pytest.mark.parametrize(
    "options",
    [
        ("flood",),
        ("--users", "0"),
        ("--slo", "no-such.toml"),
        ("--think-seconds", "-1"),
        ("--pid", "1", "--own-gateway"),
    ],
)
def test_wrong_use_is_told_with_code_2(options: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(options)
    assert ended.value.code == 2
    assert "usage: penstock loadtest" in capsys.readouterr().err


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_another_instrument_gets_the_arguments_after_its_name(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run([name, "--help"])
    assert ended.value.code == 0
    assert f"usage: penstock loadtest {name}" in capsys.readouterr().out


def test_without_a_gateway_it_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(NotServed, match=r"http://127.0.0.1:9/v1/models cannot be asked.*`make up` starts one"):
        run(["--url", "http://127.0.0.1:9", "--out", str(tmp_path)])


def test_the_verb_itself_leaves_sockets_and_threads_as_they_are() -> None:
    probe = "import sys, loadtests.loadtest_verb; print(sorted({'locust', 'gevent'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
