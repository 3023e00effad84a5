"""What other projects' controllers read: it has their form, and names what is there of ours."""

import re

import jsonschema
import pytest
from grpc_health.v1.health import SERVICE_NAME as HEALTH

from serving.app import create_app
from serving.grpc.inference_service import NAME as INFERENCE
from serving.grpc.model_service import NAME as MODEL
from serving.grpc.prediction_service import NAME as PREDICTION
from serving.model_server.configs import METRICS_PATH
from serving.settings import Settings
from tests.deployment.k8s.custom_schemas import SCHEMAS
from tests.deployment.k8s.manifests import (
    CHOICES,
    Choice,
    chosen,
    of_kind,
    pod_labels,
    pod_specs,
    port_number,
    rendered,
)
from tests.deployment.k8s.test_schemas import is_custom

every_choice = pytest.mark.parametrize("choice", CHOICES, ids=str)


@every_choice
def test_a_custom_kind_holds_to_its_schema(choice: Choice) -> None:
    for found in rendered(choice):
        if is_custom(found):
            jsonschema.validate(found, SCHEMAS[found["kind"]])


def test_every_schema_is_used() -> None:
    assert {found["kind"] for choice in CHOICES for found in rendered(choice) if is_custom(found)} == set(SCHEMAS)


@every_choice
def test_prometheus_finds_each_gateway_once_under_the_job_that_the_rules_name(choice: Choice) -> None:
    for monitor in of_kind(choice, "ServiceMonitor").values():
        (service,) = [
            each for each in of_kind(choice, "Service").values()
            if chosen(monitor["spec"]["selector"], each["metadata"]["labels"])
        ]  # fmt: skip
        (endpoint,) = monitor["spec"]["endpoints"]
        assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
        assert endpoint["path"] == "/metrics"
        assert service["metadata"]["labels"][monitor["spec"]["jobLabel"]] == "penstock"


@every_choice
def test_prometheus_asks_model_servers_where_they_tell_it(choice: Choice) -> None:
    for monitor in of_kind(choice, "PodMonitor").values():
        (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
        assert endpoint["path"] == METRICS_PATH
        for name, labels in pod_labels(choice).items():
            if chosen(monitor["spec"]["selector"], labels):
                assert port_number(pod_specs(choice)[name], endpoint["port"]) == 8501
                assert labels[monitor["spec"]["jobLabel"]] != "penstock"


@every_choice
def test_the_dashboard_has_the_label_that_grafanas_sidecar_looks_for(choice: Choice) -> None:
    for name, found in of_kind(choice, "ConfigMap").items():
        assert ("grafana_dashboard" in found["metadata"]["labels"]) == (name == "penstock-dashboard")


@every_choice
def test_what_comes_from_outside_leads_to_ports_of_the_gateways_service(choice: Choice) -> None:
    services = of_kind(choice, "Service")
    ports = {port["name"]: port["port"] for port in services["gateway"]["spec"]["ports"]}
    for found in of_kind(choice, "Ingress").values():
        for path in found["spec"]["rules"][0]["http"]["paths"]:
            assert path["backend"]["service"] == {"name": "gateway", "port": {"name": "http"}}
        size = found["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-body-size"]
        assert int(size) == Settings().max_body_bytes
    for kind, port in (("HTTPRoute", "http"), ("GRPCRoute", "grpc")):
        for found in of_kind(choice, kind).values():
            assert {parent["name"] for parent in found["spec"]["parentRefs"]} == set(of_kind(choice, "Gateway"))
            (rule,) = found["spec"]["rules"]
            assert rule["backendRefs"] == [{"name": "gateway", "port": ports[port]}]
            if kind == "HTTPRoute":
                assert float(rule["timeouts"]["request"][:-1]) > Settings().request_timeout_seconds


@every_choice
def test_every_listener_has_the_routes_of_one_protocol(choice: Choice) -> None:
    """The Gateway API lets only one of an HTTPRoute and a GRPCRoute with a host name onto a listener."""
    routes = [*of_kind(choice, "HTTPRoute").values(), *of_kind(choice, "GRPCRoute").values()]
    taken = [(parent["name"], parent["sectionName"]) for each in routes for parent in each["spec"]["parentRefs"]]
    listeners = {
        (name, listener["name"]): (listener["port"], listener["hostname"])
        for name, found in of_kind(choice, "Gateway").items()
        for listener in found["spec"]["listeners"]
    }
    assert sorted(taken) == sorted(listeners)
    assert len(set(listeners.values())) == len(listeners)


@every_choice
def test_paths_and_services_from_outside_are_those_of_the_gateway(choice: Choice, paths: set[str]) -> None:
    for found in of_kind(choice, "Ingress").values():
        assert [path["path"] for path in found["spec"]["rules"][0]["http"]["paths"]] == ["/v1", "/v2"]
    for found in of_kind(choice, "HTTPRoute").values():
        assert [match["path"]["value"] for match in found["spec"]["rules"][0]["matches"]] == ["/v1", "/v2"]
    assert {"/" + path.split("/")[1] for path in paths} >= {"/v1", "/v2"}
    for found in of_kind(choice, "GRPCRoute").values():
        services = {match["method"]["service"] for match in found["spec"]["rules"][0]["matches"]}
        assert services == {PREDICTION, MODEL, INFERENCE, HEALTH}


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    return set(create_app(Settings(backend="in_memory", models=tmp_path_factory.mktemp("models"))).openapi()["paths"])


@every_choice
def test_a_certificate_is_for_the_hosts_that_show_it(choice: Choice) -> None:
    shown = set()
    for found in of_kind(choice, "Ingress").values():
        hosts = {rule["host"] for rule in found["spec"]["rules"]}
        for each in found["spec"].get("tls", ()):
            assert set(each["hosts"]) == hosts
            shown |= {(each["secretName"], host) for host in hosts}
    for found in of_kind(choice, "Gateway").values():
        for listener in found["spec"]["listeners"]:
            if "tls" in listener:
                shown.add((listener["tls"]["certificateRefs"][0]["name"], listener["hostname"]))
    for found in of_kind(choice, "Certificate").values():
        secret, names = found["spec"]["secretName"], found["spec"]["dnsNames"]
        assert shown <= {(secret, name) for name in names}
    assert bool(shown) <= bool(of_kind(choice, "Certificate"))


def test_hosts_are_placeholders_that_nobody_owns() -> None:
    texts = [str(rendered(choice)) for choice in CHOICES]
    hosts = {host for text in texts for host in re.findall(r"penstock\.[a-z.]+\.(?:com|org|net)", text)}
    assert hosts <= {"penstock.example.com"}
