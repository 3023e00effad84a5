"""`penstock tune` without the work: it answers before TensorFlow is loaded."""

import subprocess
import sys

import pytest

from training.tune_verb import run


@pytest.mark.parametrize("argv", [["nope"], ["diabetes", "--set", "search.trails=3"], ["absent.toml"]])
def test_job_that_cannot_be_run_is_wrong_use_told_in_one_line(
    capsys: pytest.CaptureFixture[str], argv: list[str]
) -> None:
    assert run(argv) == 2
    told = capsys.readouterr().err
    assert told.startswith("penstock tune: ")
    assert told.count("\n") == 1


def test_help_and_a_refused_job_do_not_load_tensorflow() -> None:
    program = (
        "import sys; from training.tune_verb import run; run(['nope'])\n"
        "try: run(['--help'])\n"
        "except SystemExit: pass\n"
        "assert not {'tensorflow', 'keras', 'keras_tuner', 'sklearn'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
