"""The benchmark itself, in a hurry: real servers on one core, wrk on the other, and what it leaves behind."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.processes import ROOT

ROWS = ("in-memory", "fastapi", "json", "grpc", "model-call")


def test_servers_are_checked_timed_and_told(tmp_path: Path, program: Callable[[str], str]) -> None:
    program("wrk")
    options = ["--rounds", "1", "--seconds", "0.2", "--connections", "2", "--output", str(tmp_path), "--only", *ROWS]
    done = subprocess.run(
        [sys.executable, "-m", "loadtests", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "servers.json").read_text())
    assert set(found["rows"]) == set(ROWS)
    for row in found["rows"].values():
        (sample,) = row["samples"]
        assert sample["requests"] > 0
        assert 0 < sample["p50_ms"] <= sample["p99_ms"]
    figures = [figure["target"]["what"] for figure in found["figures"]]
    assert figures == ["whole prediction, JSON, by an empty FastAPI endpoint"]
    assert "| empty FastAPI endpoint, reads the body |" in (tmp_path / "servers.md").read_text()
    assert (tmp_path / "servers.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
