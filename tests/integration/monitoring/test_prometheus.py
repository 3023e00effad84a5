"""A real Prometheus beside real gateways: what it scrapes, what rules and dashboard make of it; a worker's death."""

import json
import math
import os
import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from k8s.components.monitoring.generate import DASHBOARD
from tests.deployment.monitoring.rule_files import recorded, rules
from tests.integration.gateway.worker_connections import wait_for_end, worker_processes
from tests.integration.monitoring.callers import Caller
from tests.integration.monitoring.conftest import Watched
from tests.processes import STOP_SECONDS

ASKED, SCRAPES = 200, 5
"""Prometheus extrapolates by up to a scrape on either side: a rate over five is at most 1.6 times what was sent."""
VARIABLES = {"$job": "penstock", "$instance": ".*", "$model": ".*", "$__rate_interval": "10s"}
TARGET_LABELS = {"job", "instance", "namespace"}
WITH_CREDENTIALS = {"penstock_credentials_healthy": {"source"} | TARGET_LABELS}
"""Of gateways that ask who calls: tests/integration/access has one, and reads it there."""
"""Those that Prometheus gives a target; the namespace, where it runs in Kubernetes."""
PANELS: list[dict[str, Any]] = [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if "targets" in panel]
RECORDED = recorded()


@pytest.fixture
def caller(watched: Watched) -> Iterator[Caller]:
    made = Caller(watched.own, "image", 8, 8)
    yield made
    made.close()


def with_variables(expr: str) -> str:
    for name, value in VARIABLES.items():
        expr = expr.replace(name, value)
    return expr


def labels_of(watched: Watched, metric: str) -> set[str]:
    """Those it has at the gateways, the empty ones too; of what Prometheus itself makes, those that it has there."""
    found = watched.prometheus.until(metric)
    pages = "".join(gateway.get("/metrics") for gateway in (watched.own, watched.front))
    exposed = re.findall(rf"^{metric}(?:{{(.*)}})? ", pages, re.MULTILINE)
    assert exposed or not metric.startswith("penstock_")
    told = {label for labels in exposed for label in re.findall(r'(\w+)="[^"]*"', labels)}
    return told | {label for series in found for label in series.labels}


def test_both_gateways_are_up_and_nothing_of_their_pages_was_refused(watched: Watched) -> None:
    watched.prometheus.until("up == 1", lambda found: len(found) == 2)
    targets = watched.prometheus.get("targets", state="active")["activeTargets"]
    assert {target["lastError"] for target in targets} == {""}
    assert watched.prometheus.value("sum(scrape_samples_scraped - scrape_samples_post_metric_relabeling)") == 0


def test_what_was_asked_is_what_is_told_over_both_workers(watched: Watched, caller: Caller) -> None:
    """REST version 2 of the diabetes is asked by nobody else."""
    prometheus, columns = watched.prometheus, {name: [value] for name, value in watched.diabetes.items()}
    body = {"inputs": [{"name": n, "shape": [1], "datatype": "FP32", "data": d} for n, d in columns.items()]}
    series = 'penstock_requests_total{model_name="diabetes",protocol="rest_v2",code="200"}'

    def ask(times: int) -> None:
        for _ in range(times):
            assert caller.rest("/v2/models/diabetes/infer", body, "rest_v2") == "200"

    ask(1)
    prometheus.until(series, lambda found: [each.value for each in found] == [1])
    ask(ASKED)
    prometheus.until(series, lambda found: [each.value for each in found] == [1 + ASKED])
    prometheus.until(f"count_over_time({series}[5m])", lambda found: found[0].value >= SCRAPES)
    seconds = 300
    assert ASKED <= seconds * prometheus.value(f"rate({series}[{seconds}s])") <= 2 * ASKED
    assert prometheus.value(f"resets({series}[5m])") == 0


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: str(panel["title"]))
def test_every_query_of_the_dashboard_finds_series_with_the_labels_that_it_names(
    watched: Watched, panel: dict[str, Any]
) -> None:
    for target in panel["targets"]:
        found = watched.prometheus.until(with_variables(target["expr"]))
        named = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
        assert all(named <= series.labels.keys() for series in found)


@pytest.mark.parametrize("name", RECORDED)
def test_every_recorded_series_is_there(watched: Watched, name: str) -> None:
    models = {"digits"} if name.startswith("version:") else {"digits", "diabetes"}
    watched.prometheus.until(name, lambda found: models <= {series.labels["model_name"] for series in found})


def test_quantiles_are_numbers_that_a_request_can_take(watched: Watched) -> None:
    for share in ("p50", "p99"):
        name = f'model:penstock_request_duration_seconds:{share}_rate5m{{model_name="digits"}}'
        found = watched.prometheus.until(name, lambda series: series and math.isfinite(series[0].value))
        assert all(0 < series.value < STOP_SECONDS for series in found)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule.get("alert") or rule["record"]))
def test_a_rule_names_metrics_and_labels_that_gateways_expose(watched: Watched, rule: dict[str, Any]) -> None:
    expr = re.sub(r'"[^"]*"', '""', rule["expr"])
    metrics = set(re.findall(r"\b(?:penstock_\w+|up\b|(?:model|version):[\w:]+)", expr))
    assert metrics
    exposed = TARGET_LABELS.copy()
    for metric in metrics:
        labels = WITH_CREDENTIALS.get(metric) or labels_of(watched, metric)
        matched = {
            label
            for matchers in re.findall(rf"\b{metric}{{([^}}]*)}}", expr)
            for label in re.findall(r"(\w+)\s*[=!]", matchers)
        }
        assert matched <= labels
        exposed |= labels
    grouped = {label for group in re.findall(r"\b(?:by|on) \(([^)]*)\)", expr) for label in re.findall(r"\w+", group)}
    assert grouped <= exposed


def test_alerts_are_evaluated_and_one_that_is_true_here_is_found(watched: Watched) -> None:
    groups = watched.prometheus.get("rules")["groups"]
    assert {rule["health"] for group in groups for rule in group["rules"]} == {"ok"}
    watched.prometheus.until('ALERTS{alertname="PenstockNonFiniteAnswers"}')


def test_a_workers_death_takes_no_count_back(watched: Watched) -> None:
    prometheus = watched.prometheus
    instance = f'instance="{watched.own.url.removeprefix("http://")}"'
    total = f"sum(penstock_requests_total{{{instance}}})"
    before = prometheus.until(total)[0].value
    process = worker_processes(watched.own)[0]
    os.kill(process, signal.SIGKILL)
    assert wait_for_end(process, STOP_SECONDS)
    prometheus.until(
        f'penstock_worker_starts_total{{{instance},worker="0"}}', lambda found: found and found[0].value == 2
    )
    prometheus.until(total, lambda found: found and found[0].value > before + ASKED)
    counted = prometheus.scraped('{__name__=~"penstock_.+_(total|count|sum|bucket)"}', minutes=10)
    assert len(counted) > ASKED
    assert [values for values in counted if values != sorted(values)] == []
