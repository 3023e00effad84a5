"""Autoscalers name workloads that are there and metrics that the gateway exposes."""

import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from serving.app import create_app
from serving.settings import Settings
from tests.deployment.k8s.manifests import CHOICES, Choice, of_kind

METRIC = re.compile(r"\bpenstock_\w+")
every_choice = pytest.mark.parametrize("choice", CHOICES, ids=str)


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the families at /metrics, before any request."""
    app = create_app(Settings(backend="in_memory", models=tmp_path_factory.mktemp("models"), grpc_port=0))
    with TestClient(app) as client:
        page = client.get("/metrics").text
    return {line.split()[2] for line in page.splitlines() if line.startswith("# TYPE ")}


def named(choice: Choice) -> Iterator[str]:
    for scaler in of_kind(choice, "HorizontalPodAutoscaler").values():
        for metric in scaler["spec"]["metrics"]:
            body = metric[metric["type"].lower()]
            if "metric" in body:
                yield body["metric"]["name"]
    for scaler in of_kind(choice, "ScaledObject").values():
        for trigger in scaler["spec"]["triggers"]:
            yield from METRIC.findall(trigger["metadata"].get("query", ""))


@every_choice
def test_an_autoscaler_names_metrics_that_the_gateway_has(choice: Choice, exposed: set[str]) -> None:
    assert set(named(choice)) <= exposed


@every_choice
def test_an_autoscaler_scales_a_workload_that_leaves_it_the_number(choice: Choice) -> None:
    deployments = of_kind(choice, "Deployment")
    scalers = [*of_kind(choice, "HorizontalPodAutoscaler").values(), *of_kind(choice, "ScaledObject").values()]
    scaled = [scaler["spec"]["scaleTargetRef"] for scaler in scalers]
    assert all(reference["kind"] == "Deployment" for reference in scaled)
    names = [reference["name"] for reference in scaled]
    assert len(set(names)) == len(names)
    assert {name for name, found in deployments.items() if "replicas" not in found["spec"]} == set(names)


@every_choice
def test_model_servers_are_added_when_a_full_batch_waits_for_each(choice: Choice) -> None:
    for scaler in of_kind(choice, "HorizontalPodAutoscaler").values():
        for metric in scaler["spec"]["metrics"]:
            if metric["type"] == "Object":
                assert metric["object"]["describedObject"]["name"] in of_kind(choice, "Service")
                assert int(metric["object"]["target"]["averageValue"]) == Settings().max_batch_rows
    scaler = of_kind(choice, "ScaledObject").get("model-server", {"spec": {"triggers": []}})
    for trigger in scaler["spec"]["triggers"][:1]:
        assert int(trigger["metadata"]["threshold"]) == Settings().max_batch_rows


def test_queries_ask_for_the_job_of_the_gateways() -> None:
    queries = {
        trigger["metadata"]["query"]
        for choice in CHOICES
        for scaler in of_kind(choice, "ScaledObject").values()
        for trigger in scaler["spec"]["triggers"]
        if "query" in trigger["metadata"]
    }
    assert queries
    assert all(query.count('{job="penstock"}') == len(METRIC.findall(query)) for query in queries)
