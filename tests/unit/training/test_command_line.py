"""The verbs without the work: they answer before TensorFlow is loaded."""

import subprocess
import sys

import pytest

from training.__main__ import jobs, train


def test_jobs_are_listed_one_a_line_with_a_description(capsys: pytest.CaptureFixture[str]) -> None:
    assert jobs([]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names == ["diabetes", "digits", "digits_cnn", "digits_high", "digits_low"]


@pytest.mark.parametrize("argv", [["nope"], ["digits", "--set", "fit.epoch=3"], ["absent.toml"]])
def test_job_that_cannot_be_run_is_wrong_use_told_in_one_line(
    capsys: pytest.CaptureFixture[str], argv: list[str]
) -> None:
    assert train(argv) == 2
    told = capsys.readouterr().err
    assert told.startswith("penstock train: ")
    assert told.count("\n") == 1


@pytest.mark.parametrize("argv", [[], ["digits", "--epochs", "3"]])
def test_wrong_arguments_are_wrong_use(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        train(argv)
    assert ended.value.code == 2


def test_help_and_list_do_not_load_tensorflow() -> None:
    program = (
        "import sys; from training.__main__ import jobs, train; jobs([]); train(['nope'])\n"
        "try: train(['--help'])\n"
        "except SystemExit: pass\n"
        "assert not {'tensorflow', 'keras', 'sklearn'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
