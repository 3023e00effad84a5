"""The rules under promtool: well formed, and each alert fires when it should, after its `for`, and not otherwise."""

import json
import re
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.deployment.monitoring.alert_scenarios import CALM, LONG, SCENARIOS, Scenario
from tests.deployment.monitoring.rule_files import MONITORING, RULE_FILES, alerts

DOCUMENT = MONITORING.parents[2] / "docs" / "operations.md"
ALERTS = alerts()


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def firing(alert: str) -> str:
    """How many of it fire with every label that its texts use."""
    rule = ALERTS[alert]
    used = sorted(set(re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"]))))
    labels = ",".join(f'{name}!=""' for name in used if (alert, name) != ("PenstockGatewayDown", "instance"))
    return f'count(ALERTS{{alertname="{alert}",alertstate="firing",{labels}}}) or vector(0)'


def played(series: Mapping[str, str], expected: Iterable[tuple[str, int, float]]) -> dict[str, Any]:
    """A test of promtool's: queries at minutes, and the values that they should have."""
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {"expr": query, "eval_time": f"{minute}m", "exp_samples": [{"labels": "{}", "value": value}]}
            for query, minute, value in expected
        ],
    }


def play(promtool: str, folder: Path, *tests: dict[str, Any]) -> None:
    file = folder / "tests.yaml"  # JSON is YAML
    document = {"rule_files": list(map(str, RULE_FILES)), "evaluation_interval": "1m", "tests": tests}
    file.write_text(json.dumps(document))
    run(promtool, "test", "rules", str(file))


def test_promtool_finds_the_rules_well_formed(program: Callable[[str], str]) -> None:
    run(program("promtool"), "check", "rules", *map(str, RULE_FILES))


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_fires_when_it_should_and_not_before_or_otherwise(
    alert: str, program: Callable[[str], str], tmp_path: Path
) -> None:
    told = [each for each in SCENARIOS if each.alert == alert]
    assert any(each.fires for each in told)
    assert any(not each.fires for each in told)

    def expected(each: Scenario) -> list[tuple[str, int, float]]:
        query = firing(alert)
        return [*((query, minute, 1.0) for minute in each.fires), *((query, minute, 0.0) for minute in each.silent)]

    play(program("promtool"), tmp_path, *(played(each.series, expected(each)) for each in told))


def test_on_a_good_day_nothing_is_said_nor_about_to_be(program: Callable[[str], str], tmp_path: Path) -> None:
    minutes = (1, 5, 30, 90, LONG - 1)
    play(program("promtool"), tmp_path, played(CALM, [("count(ALERTS) or vector(0)", at, 0.0) for at in minutes]))


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_what_it_is_about_how_bad_it_is_and_where_to_read_on(alert: str) -> None:
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"] == f"docs/operations.md#{alert.lower()}"


def test_every_alert_has_its_section_in_the_runbook_and_every_section_its_alert() -> None:
    chapter = DOCUMENT.read_text().split("\n## Alerts\n")[1].split("\n## ")[0]
    assert re.findall(r"^### (\S+)$", chapter, re.MULTILINE) == list(ALERTS)
    sections = re.split(r"^### .*$", chapter, flags=re.MULTILINE)[1:]
    for section in sections:
        assert all(f"**{part}.**" in section for part in ("Means", "Look at", "Do"))
