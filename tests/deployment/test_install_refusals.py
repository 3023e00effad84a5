"""`make install` on a machine that lacks something: one line that says what, and what to do about it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

NO_ENSUREPIP = """#!/bin/sh
case "$2" in *ensurepip*) exit 1;; esac
exec {python} "$@"
"""
TOO_OLD = """#!/bin/sh
case "$1" in --version) echo Python 3.10.1;; *) exit 1;; esac
"""


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (NO_ENSUREPIP, f"apt-get install python{sys.version_info[0]}.{sys.version_info[1]}-venv"),
        (TOO_OLD, "Penstock needs Python 3.11, 3.12 or 3.13 (TensorFlow has wheels for these), not Python 3.10.1"),
    ],
)
def test_what_is_missing_is_named_with_its_remedy(tmp_path: Path, script: str, told: str) -> None:
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text())
    for needed in ("requirements/dev.txt", "pyproject.toml", "clients/python/pyproject.toml"):
        (tmp_path / needed).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / needed).touch()
    python = tmp_path / "python3"
    python.write_text(script.format(python=sys.executable))
    python.chmod(0o755)
    done = subprocess.run(
        ["make", "install", f"PYTHON={python}"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert told in done.stdout
    assert not (tmp_path / ".venv").exists()
