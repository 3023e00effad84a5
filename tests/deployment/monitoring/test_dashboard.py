"""The committed dashboard and PrometheusRule are what their sources make, in the form that Grafana documents."""

import itertools
import json
from typing import Any

import pytest
import yaml

from k8s.components.monitoring.dashboard import COLUMNS
from k8s.components.monitoring.generate import DASHBOARD, PROMETHEUS_RULE, dashboard_text, prometheus_rule_text
from tests.deployment.monitoring.rule_files import RULE_FILES

BOARD: dict[str, Any] = json.loads(DASHBOARD.read_text())
PANELS: list[dict[str, Any]] = BOARD["panels"]
SHOWN = [panel for panel in PANELS if panel["type"] != "row"]
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def test_the_committed_files_are_what_make_monitoring_writes() -> None:
    assert DASHBOARD.read_text() == dashboard_text()
    assert PROMETHEUS_RULE.read_text() == prometheus_rule_text()


def test_the_operators_rules_are_those_of_the_rule_files() -> None:
    made = yaml.safe_load(PROMETHEUS_RULE.read_text())
    assert (made["apiVersion"], made["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    assert made["spec"]["groups"] == [
        group for path in RULE_FILES for group in yaml.safe_load(path.read_text())["groups"]
    ]


def test_panels_lie_within_the_grid_and_beside_each_other() -> None:
    places = [panel["gridPos"] for panel in PANELS]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= COLUMNS for place in places)
    for one, other in itertools.combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)


def test_numbers_and_titles_are_each_of_one_panel() -> None:
    for key in ("id", "title"):
        values = [panel[key] for panel in PANELS]
        assert len(set(values)) == len(values)


@pytest.mark.parametrize("panel", SHOWN, ids=lambda panel: str(panel["title"]))
def test_a_panel_asks_the_chosen_data_source_and_says_what_it_shows(panel: dict[str, Any]) -> None:
    assert panel["description"].endswith(".")
    assert panel["datasource"] == SOURCE
    assert [target["refId"] for target in panel["targets"]] == [*"ABCD"[: len(panel["targets"])]]
    for target in panel["targets"]:
        assert target["datasource"] == SOURCE
        assert 'job="$job"' in target["expr"]


def test_every_variable_that_a_query_uses_is_there() -> None:
    variables = {variable["name"] for variable in BOARD["templating"]["list"]}
    assert variables == {"datasource", "job", "instance", "model"}
    assert BOARD["schemaVersion"] >= 39
