"""The lines that docs/operations.md gives for a laptop, run as they stand but for the port and the folder."""

import contextlib
import re
from collections.abc import Callable
from pathlib import Path

from tests.deployment.monitoring.rule_files import rules
from tests.integration.monitoring.prometheus import LAPTOP, start_prometheus
from tests.processes import ROOT


def test_the_committed_configuration_watches_make_ups_port_with_every_rule(
    program: Callable[[str], str], tmp_path: Path
) -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    command = re.search(r"^prometheus --config.file (\S+) --storage.tsdb.path \S+ --web.listen", page, re.MULTILINE)
    assert command
    assert ROOT / command[1] == LAPTOP
    port = re.search(r"^PORT +\?= (\d+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert port
    with contextlib.ExitStack() as stack:
        prometheus = start_prometheus(stack, program("prometheus"), LAPTOP, tmp_path)
        prometheus.until("up")  # 0 or 1: nobody need be there
        (target,) = prometheus.get("targets", state="active")["activeTargets"]
        assert target["scrapeUrl"] == f"http://localhost:{port[1]}/metrics"
        assert target["labels"]["job"] == "penstock"
        groups = prometheus.get("rules")["groups"]
        assert sum(len(group["rules"]) for group in groups) == len(rules())
