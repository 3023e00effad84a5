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


def test_a_soak_publishes_while_it_asks_and_tells_what_drifted(tmp_path: Path, program: Callable[[str], str]) -> None:
    program("taskset")
    options = ["--minutes", "0.1", "--rate", "50", "--publish-seconds", "1.5", "--output", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "loadtests", "soak", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr  # 1 where a busy machine let something drift
    run = json.loads((tmp_path / "run.json").read_text())
    assert run["sent"] == run["good"] > 0
    assert "memory:" in done.stdout
    assert int(done.stdout.split(" versions were published")[0].splitlines()[-1]) > 0
    assert (tmp_path / "soak.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
