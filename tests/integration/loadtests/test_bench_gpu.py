"""The GPU's benchmark without a GPU, in a hurry: both exports compared, and the gateway before one of them."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.processes import ROOT


def test_exports_agree_and_the_gateway_is_timed(tmp_path: Path, program: Callable[[str], str]) -> None:
    program("wrk")
    size = ["--network", "MobileNet", "--pixels", "32", "--batch", "4", "--rows", "2"]
    options = ["--device", "cpu", *size, "--rounds", "1", "--seconds", "0.2", "--output", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "loadtests", "gpu", *options],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert found["figures"] == []
    (one,) = found["rounds"]
    assert one["gateway"]["requests"] > 0
    assert 0 < one["apart"] < 0.1
    assert "no aim is judged" in (tmp_path / "gpu.md").read_text()
