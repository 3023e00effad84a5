"""The capacity search on a real gateway, in a hurry, from the command line to the files it leaves."""

import subprocess
import sys
from pathlib import Path

from loadtests.capacity_search import CapacityResult
from loadtests.run_result import RunResult
from tests.processes import ROOT, GatewayProcess

VERB = "import sys; from loadtests.capacity_verb import run; sys.exit(run(sys.argv[1:]))"
BOUND_MS = "20000"
"""So large that whatever the machine does, latency holds; whether the generator kept up is up to the machine."""


def test_rates_are_tried_up_to_the_most_that_was_asked(gateway: GatewayProcess, tmp_path: Path) -> None:
    options = ["--url", gateway.url, "--start", "400", "--most", "600", "--seconds", "1", "--p99-ms", BOUND_MS]
    done = subprocess.run(
        [sys.executable, "-c", VERB, *options, "--out", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    found = CapacityResult.read(tmp_path / "capacity.json")
    assert done.returncode == (0 if found.per_second and found.limit != "generator" else 1), done.stdout + done.stderr
    assert (found.trials[0].rate_per_second, found.model, found.bound_seconds) == (400, "digits", 20.0)
    assert found.trials[0].requests > 838
    assert found.trials[0].late == 0
    assert f"{found.trials[0].requests:,} late" in done.stdout
    assert (tmp_path / "capacity.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    if found.per_second:
        best = RunResult.read(tmp_path / "run.json")
        assert (best.scenario, best.command[:3]) == ("capacity", ("penstock", "loadtest", "capacity"))
        assert (tmp_path / "report.html").exists()
