import os
import subprocess
import sys
from pathlib import Path

import pytest

import penstock_cli

ROOT = Path(penstock_cli.__file__).parent


def penstock(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "penstock_cli", *arguments]
    environment = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment, timeout=60)


def test_without_a_verb_the_usage_goes_to_stderr_and_it_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert penstock_cli.main([]) == 2
    assert capsys.readouterr() == ("", penstock_cli.usage() + "\n")


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_goes_to_stdout_and_is_success(capsys: pytest.CaptureFixture[str], flag: str) -> None:
    assert penstock_cli.main([flag]) == 0
    assert capsys.readouterr() == (penstock_cli.usage() + "\n", "")


@pytest.mark.parametrize("verb", ["trian", "--version", "", "../serve"])
def test_an_unknown_verb_is_told_the_known_ones(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    assert penstock_cli.main([verb]) == 2
    known = "train, tune, jobs, serve, doctor, model-server, record, models, mirror, "
    known += "push, k8s, keys, predict, loadtest, bench, plan"
    assert capsys.readouterr().err == f"penstock: no verb {verb!r}; there are: {known}\n"


def test_the_usage_names_every_verb() -> None:
    listed = [line.split()[0] for line in penstock_cli.usage().splitlines() if line.startswith("  ")]
    assert listed == list(penstock_cli.SUMMARIES) == list(penstock_cli.EXTRA_OF_VERB)


def test_a_verbs_own_exit_code_is_the_commands(tmp_path: Path) -> None:
    assert penstock("keys", "--help").returncode == 0
    assert penstock("keys", "no-such-action").returncode == 2
    assert penstock("keys", "new", "shop", "--file", str(tmp_path / "keys.toml")).returncode == 0


def test_a_failure_is_one_line_and_exit_1(tmp_path: Path) -> None:
    done = penstock("keys", "list", "--file", str(tmp_path / "nowhere"))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("penstock keys: ")


@pytest.mark.parametrize("place", [0, 4])
def test_debug_shows_the_traceback_wherever_it_stands(tmp_path: Path, place: int) -> None:
    arguments = ["keys", "list", "--file", str(tmp_path / "nowhere")]
    done = penstock(*arguments[:place], "--debug", *arguments[place:])
    assert done.returncode == 1
    assert "Traceback (most recent call last)" in done.stderr


@pytest.mark.parametrize(
    ("verb", "exit_code", "message"),
    [
        ("absent", 2, "penstock absent: the module 'no_such_module' is not installed; run: pip install 'penstock'\n"),
        ("stopped", 130, ""),
        ("silent", 1, "penstock silent: ZeroDivisionError\n"),
    ],
)
def test_a_verb_from_another_package_ends_as_ours_do(tmp_path: Path, verb: str, exit_code: int, message: str) -> None:
    (tmp_path / "verbs.py").write_text(
        "def stopped(arguments): raise KeyboardInterrupt\ndef silent(arguments): raise ZeroDivisionError\n"
    )
    (tmp_path / "verbs-1.dist-info").mkdir()
    (tmp_path / "verbs-1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: verbs\nVersion: 1\n")
    (tmp_path / "verbs-1.dist-info/entry_points.txt").write_text(
        "[penstock.verbs]\nabsent = no_such_module:run\nstopped = verbs:stopped\nsilent = verbs:silent\n"
    )
    done = penstock(verb, PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (exit_code, message)
