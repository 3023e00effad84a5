"""What compose.yaml promises, read from it: no Docker engine is needed."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from serving.model_server.configs import METRICS_PATH
from serving.settings import PREFIX, Settings, load_settings
from tests.deployment.dockerfile import ROOT, read_dockerfile

DOCKERFILE = read_dockerfile()
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: Mapping[str, Any] = COMPOSE["services"]
MODEL_SERVERS = ("model-server", "model-server-cpu")
LOOPBACK = "127.0.0.1:"


def port(mapping: str) -> tuple[int, int]:
    """On the host and in the container."""
    outside, inside = mapping.removeprefix(LOOPBACK).split(":")
    return int(outside), int(inside)


def mounts(service: str) -> Iterator[tuple[str, str]]:
    """What is mounted, and where."""
    for volume in SERVICES[service].get("volumes", []):
        yield volume["source"], volume["target"]


def reaches(service: str) -> set[str]:
    return set(SERVICES[service].get("networks", []))


@pytest.mark.parametrize("profile", ["gpu", "cpu"])
def test_a_profile_is_a_gateway_one_model_server_and_prometheus(profile: str) -> None:
    chosen = {name for name, service in SERVICES.items() if profile in service["profiles"]}
    server = "model-server" if profile == "gpu" else "model-server-cpu"
    assert chosen == {"gateway", "model-server-files", "prometheus", server}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_little(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"(\$\{OWNER:-)?[1-9]\d*:[1-9]\d*}?", service["user"])
    assert not service.get("privileged")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_built_from_a_target_or_names_a_version(name: str) -> None:
    service = SERVICES[name]
    if "build" not in service:
        assert re.search(r":v\d+\.\d+\.\d+}?$", service["image"])
        return
    assert (ROOT / service["build"]["dockerfile"]).is_file()
    assert service["build"]["target"] in DOCKERFILE.stages
    assert service["build"].get("args", {}).keys() <= DOCKERFILE.arguments.keys()


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_a_health_check_of_its_own_or_its_images(name: str) -> None:
    service = SERVICES[name]
    if "healthcheck" in service:
        assert "curl" not in service["healthcheck"]["test"]
    else:
        assert DOCKERFILE.last(service["build"]["target"], "HEALTHCHECK").command


def test_the_environment_is_settings() -> None:
    named = {name for service in SERVICES.values() for name in service.get("environment", {})}
    assert named <= {PREFIX + name.upper() for name in Settings.model_fields}
    image = DOCKERFILE.environment(SERVICES["gateway"]["build"]["target"])
    settings = load_settings({}, {**image, **SERVICES["gateway"]["environment"]}, {})
    assert settings.backend == "tfserving"
    (address,) = settings.tfserving_addresses
    host, _, number = address.rpartition(":")
    assert number in DOCKERFILE.last("model-server", "EXPOSE").words
    assert all(host in SERVICES[name]["networks"]["models"]["aliases"] for name in MODEL_SERVERS)
    assert str(settings.models) in dict(mounts("gateway")).values()
    assert float(SERVICES["gateway"]["stop_grace_period"].removesuffix("s")) > settings.drain_seconds


def test_what_is_not_a_setting_does_not_look_like_one() -> None:
    assert not re.search(r"\$\{PENSTOCK_", (ROOT / "compose.yaml").read_text())


def test_ports_are_open_on_loopback_alone_and_lead_to_the_settings() -> None:
    published = {name: service.get("ports", []) for name, service in SERVICES.items()}
    assert all(entry.startswith(LOOPBACK) for entries in published.values() for entry in entries)
    settings = Settings()
    assert [port(entry) for entry in published["gateway"]] == [
        (settings.port, settings.port), (settings.grpc_port, settings.grpc_port),
    ]  # fmt: skip
    assert {name for name, entries in published.items() if entries} == {"gateway", "prometheus"}


def test_the_model_server_is_reached_by_gateway_and_prometheus_alone() -> None:
    assert COMPOSE["networks"]["models"]["internal"] is True
    assert all(reaches(name) == {"models"} for name in MODEL_SERVERS)
    assert {name for name in SERVICES if "models" in reaches(name)} == {"gateway", "prometheus", *MODEL_SERVERS}


def test_volumes_and_folders_are_there() -> None:
    for source in {source for name in SERVICES for source, _ in mounts(name)}:
        assert source in COMPOSE["volumes"] or source.startswith("${MODELS:-") or (ROOT / source).exists()


def test_the_model_server_reads_what_is_written_for_it_and_writes_nothing() -> None:
    flags = dict(word[2:].split("=", 1) for word in DOCKERFILE.last("model-server", "ENTRYPOINT").command[1:])
    for name in MODEL_SERVERS:
        places = dict(mounts(name))
        assert flags["model_config_file"].startswith(places["model-server-files"])
        assert all(volume["read_only"] for volume in SERVICES[name]["volumes"])
    assert dict(mounts("model-server-files"))["model-server-files"] == places["model-server-files"]
    assert SERVICES["model-server-files"]["healthcheck"]["test"][-1] == flags["monitoring_config_file"]
    command = SERVICES["model-server-files"]["command"]
    assert command[command.index("--out") + 1] == places["model-server-files"]
    assert command[2] == DOCKERFILE.environment("gateway")["PENSTOCK_MODELS"]
    assert any(places["model-server-files"] in found.text for found in DOCKERFILE.stages["gateway-base"].all("RUN"))


def test_the_gateway_is_stopped_before_the_model_server() -> None:
    assert set(SERVICES["gateway"]["depends_on"]) == set(MODEL_SERVERS)
    assert all(condition["required"] is False for condition in SERVICES["gateway"]["depends_on"].values())


def test_prometheus_asks_ports_that_are_there() -> None:
    jobs = yaml.safe_load((ROOT / "serving" / "observability" / "prometheus.yaml").read_text())["scrape_configs"]
    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in jobs}
    flags = dict(word[2:].split("=", 1) for word in DOCKERFILE.last("model-server", "ENTRYPOINT").command[1:])
    assert targets == {
        "penstock": [f"gateway:{Settings().port}"],
        "model-server": [f"model-server:{flags['rest_api_port']}"],
    }
    assert jobs[1]["metrics_path"] == METRICS_PATH
    assert dict(mounts("prometheus"))["serving/observability/prometheus.yaml"] == "/etc/prometheus/prometheus.yml"


def test_only_the_gpu_profile_asks_for_a_gpu() -> None:
    asking = {name for name, service in SERVICES.items() if "deploy" in service}
    assert asking == {"model-server"}
    assert SERVICES["model-server"]["deploy"]["resources"]["reservations"]["devices"][0]["capabilities"] == ["gpu"]


def test_the_model_server_computes_with_as_many_threads_as_it_has_cores() -> None:
    for name in MODEL_SERVERS:
        assert {flag.partition("=")[2] for flag in SERVICES[name]["command"]} == {SERVICES[name]["cpus"]}
        told = [flag.partition("=")[0] for flag in SERVICES[name]["command"]]
        assert told == [flag.partition("=")[0] for flag in DOCKERFILE.last("model-server", "CMD").command]
