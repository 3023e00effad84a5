"""A short run of every fuzzing target in every test run; `make fuzz` is the long one."""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROGRAM = HERE / "all_targets.py"
INPUTS = 60_000


def test_no_bytes_bring_a_reader_down_or_are_answered_otherwise_by_the_shorter_way(tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="atheris comes for Linux on x86-64 only")
    command = [sys.executable, str(PROGRAM), str(INPUTS), str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
    targets = {path.stem.removeprefix("fuzz_") for path in HERE.glob("fuzz_*.py")}
    lines = {name: int(inputs.replace(",", "")) for name, inputs, *_ in map(str.split, _table(ran.stdout))}
    assert lines.keys() == targets
    assert sum(lines.values()) > 0.99 * INPUTS


def _table(said: str) -> list[str]:
    return [line for line in said.splitlines() if "inputs" in line and not line.startswith("in all")]
