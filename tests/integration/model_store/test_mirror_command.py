"""`penstock mirror` where it cannot do its work: told to stop, given what is no URL, or not installed whole."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.model_store.store_processes import (
    mirroring,
    penstock_command,
    s3_environment,
)
from tests.processes import ROOT

STORE = "s3://models/prod"


def test_sigterm_ends_it_also_while_the_store_says_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environment = s3_environment(silent.getsockname()[1])
        with mirroring(environment, STORE, "--models", str(tmp_path / "node"), "--watch", "30") as mirror:
            connection, _ = silent.accept()
            with connection:
                assert mirror.terminate() == 0


@pytest.mark.parametrize("url", ["s3://me:sesame@models/prod", "ftp://models/prod", "s3://models/../prod"])
def test_a_url_that_is_none_is_wrong_use_and_told_without_its_password(url: str, tmp_path: Path) -> None:
    for verb in (["mirror", url, "--once"], ["push", url, "digits"]):
        command = penstock_command(*verb, "--models", str(tmp_path / "node"))
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, "sesame" in done.stdout + done.stderr) == (2, False)


def test_without_the_extra_the_pip_command_is_named(tmp_path: Path) -> None:
    program = "import sys; sys.modules['s3fs'] = None; from penstock_cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", program, "mirror", STORE, "--models", str(tmp_path / "node"), "--once"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment)
    assert done.returncode == 2
    assert "pip install 'penstock[object-store]'" in done.stderr
