"""A short run of the fuzzer in every test run; `make fuzz` is the long one."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
RUNS = 200_000


def test_no_bytes_bring_a_decoder_down(tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="atheris comes for Linux on x86-64 only")
    found = shutil.copytree(HERE / "corpus", tmp_path / "corpus")  # what is found goes in beside it
    command = [sys.executable, str(HERE / "fuzz_decoders.py"), f"-runs={RUNS}", "-seed=1", "-timeout=60"]
    ran = subprocess.run(
        [*command, f"-artifact_prefix={tmp_path}/", str(found)],
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert ran.returncode == 0, ran.stderr[-4000:]
    assert f"Done {RUNS} runs" in ran.stderr
