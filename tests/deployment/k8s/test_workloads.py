"""Pods agree with the images, the gateway's routes and its settings, and may do no more than they must."""

import shlex
from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

from serving.app import create_app
from serving.deployment.agreement import faults
from serving.model_server.flags import STATUS_THREADS
from serving.settings import PREFIX, Settings, load_settings
from serving.workers.supervisor import LATE_SECONDS
from tests.deployment.dockerfile import read_dockerfile
from tests.deployment.k8s.manifests import (
    CHOICES,
    Choice,
    Object,
    chosen,
    containers,
    cores,
    memory_bytes,
    of_kind,
    pod_labels,
    pod_specs,
    port_number,
    rendered,
)

DOCKERFILE = read_dockerfile()
TARGETS = {"penstock/model-server-cpu": "model-server"}
"""Images whose Dockerfile target is not the end of their name: the same target with another base."""
every_choice = pytest.mark.parametrize("choice", CHOICES, ids=str)


def target(container: Object) -> str:
    """The target of Dockerfile.gpu that the container's image is built from."""
    name, _, tag = str(container["image"]).partition(":")
    assert tag, f"{name} has no tag"
    return TARGETS.get(name, name.removeprefix("penstock/"))


def gateway_settings(choice: Choice) -> Settings:
    """What the gateway of such a deployment reads: its image's environment, then its pod's."""
    spec = pod_specs(choice)["gateway"]
    (gateway,) = spec["containers"]
    environment = dict(DOCKERFILE.environment(target(gateway)))
    for source in gateway.get("envFrom", ()):
        environment |= of_kind(choice, "ConfigMap")[source["configMapRef"]["name"]]["data"]
    environment |= {each["name"]: each["value"] for each in gateway.get("env", ()) if "value" in each}
    return load_settings({}, environment, {})


def probes(choice: Choice) -> Iterator[tuple[str, str, Object]]:
    for name, spec in pod_specs(choice).items():
        for container in containers(spec):
            yield from ((name, kind, container[kind]) for kind in PROBES if kind in container)


PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


@every_choice
def test_penstock_itself_finds_no_fault_in_them(choice: Choice) -> None:
    assert faults(rendered(choice)) == []


@every_choice
def test_every_image_is_a_target_and_has_a_tag(choice: Choice) -> None:
    for spec in pod_specs(choice).values():
        for container in containers(spec):
            assert target(container) in DOCKERFILE.stages


@every_choice
def test_nothing_runs_as_root_or_may_more_than_it_must(choice: Choice) -> None:
    for spec in pod_specs(choice).values():
        security = spec["securityContext"]
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] > 0
        assert security["runAsGroup"] > 0
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert not spec.keys() & {"hostNetwork", "hostPID", "hostIPC"}
        for container in containers(spec):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert (
                f"{security['runAsUser']}:{security['runAsGroup']}" == DOCKERFILE.last(target(container), "USER").text
            )
        assert all(
            volume.keys() & {"configMap", "emptyDir", "persistentVolumeClaim", "secret"} for volume in spec["volumes"]
        )


@every_choice
def test_config_keys_are_settings_that_the_gateway_reads(choice: Choice) -> None:
    data = of_kind(choice, "ConfigMap")["penstock-config"]["data"]
    assert set(data) <= {PREFIX + name.upper() for name in Settings.model_fields}
    (gateway,) = pod_specs(choice)["gateway"]["containers"]
    assert {"configMapRef": {"name": "penstock-config"}} in gateway["envFrom"]
    settings = gateway_settings(choice)
    ports = {port["name"]: port["containerPort"] for port in gateway["ports"]}
    assert ports == {"http": settings.port, "grpc": settings.grpc_port}
    assert settings.backend == ("embedded" if choice.overlay == "local" else "tfserving")


@every_choice
def test_the_gateway_finds_the_model_servers_by_a_headless_service(choice: Choice) -> None:
    services = of_kind(choice, "Service")
    addresses = gateway_settings(choice).tfserving_addresses
    assert bool(addresses) == (choice.overlay != "local")
    for address in addresses:
        name, _, port = address.removeprefix("dns:///").rpartition(":")
        assert services[name]["spec"]["clusterIP"] == "None"
        assert int(port) in {each["port"] for each in services[name]["spec"]["ports"]}


@every_choice
def test_a_service_leads_to_pods_and_to_ports_they_have(choice: Choice) -> None:
    specs, labels = pod_specs(choice), pod_labels(choice)
    for service in of_kind(choice, "Service").values():
        reached = [name for name in specs if service["spec"]["selector"].items() <= labels[name].items()]
        assert reached
        for name in reached:
            numbers = {
                port["targetPort"]: port_number(specs[name], port["targetPort"]) for port in service["spec"]["ports"]
            }
            assert 8501 not in numbers.values(), "one request of nested JSON ends TensorFlow Serving"
            if service["spec"].get("clusterIP") == "None":  # no translation there: the pod's port is what is asked
                assert list(numbers.values()) == [port["port"] for port in service["spec"]["ports"]]


@every_choice
def test_selectors_choose_their_own_pods_and_nobody_elses(choice: Choice) -> None:
    labels = pod_labels(choice)
    for name, deployment in of_kind(choice, "Deployment").items():
        assert [other for other in labels if chosen(deployment["spec"]["selector"], labels[other])] == [name]
        for spread in deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]:
            assert chosen(spread["labelSelector"], labels[name])
    for budget in of_kind(choice, "PodDisruptionBudget").values():
        assert len([name for name in labels if chosen(budget["spec"]["selector"], labels[name])]) == 1


@every_choice
def test_labels_are_the_recommended_ones(choice: Choice) -> None:
    for found in rendered(choice):
        assert found["metadata"]["labels"]["app.kubernetes.io/part-of"] == "penstock"
        assert "namespace" not in found["metadata"]
    for labels in pod_labels(choice).values():
        assert labels["app.kubernetes.io/part-of"] == "penstock"
        assert labels["app.kubernetes.io/name"] in {"gateway", "model-server"}


@every_choice
def test_probes_ask_paths_and_ports_that_are_there(choice: Choice, routes: set[str]) -> None:
    for name, kind, probe in probes(choice):
        spec = pod_specs(choice)[name]
        if "httpGet" in probe:
            assert probe["httpGet"]["path"] == ("/readyz" if kind == "readinessProbe" else "/livez")
            assert probe["httpGet"]["path"] in routes
            assert port_number(spec, probe["httpGet"]["port"]) == gateway_settings(choice).port
        elif "grpc" in probe:
            ports = [each["containerPort"] for container in spec["containers"] for each in container["ports"]]
            assert probe["grpc"]["port"] in ports
            assert "--enable_grpc_healthcheck_service=true" in DOCKERFILE.last("model-server", "ENTRYPOINT").command
        else:
            assert probe["exec"]["command"][0] in ("penstock", "test")
    for spec in pod_specs(choice).values():
        assert all(kind in container for container in spec["containers"] for kind in PROBES if is_server(container))


def is_server(container: Object) -> bool:
    return bool(container.get("ports"))


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    app = create_app(Settings(backend="in_memory", models=tmp_path_factory.mktemp("models")))
    return set(app.openapi()["paths"]) | {str(getattr(route, "path", "")) for route in app.routes}


@every_choice
def test_a_stop_has_the_time_it_may_take(choice: Choice) -> None:
    for name, spec in pod_specs(choice).items():
        before = spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        after = gateway_settings(choice).drain_seconds + LATE_SECONDS if name == "gateway" else 0.0
        assert before > 0
        assert spec["terminationGracePeriodSeconds"] > before + after


@every_choice
def test_the_gateway_is_replaced_only_once_another_is_ready(choice: Choice) -> None:
    strategy = of_kind(choice, "Deployment")["gateway"]["spec"]["strategy"]["rollingUpdate"]
    assert strategy == {"maxSurge": 1, "maxUnavailable": 0}


@every_choice
def test_requests_are_made_for_what_settings_allow(choice: Choice) -> None:
    settings = gateway_settings(choice)
    for spec in pod_specs(choice).values():
        for container in containers(spec):
            asked, limits = container["resources"]["requests"], container["resources"]["limits"]
            assert cores(asked["cpu"]) > 0
            assert memory_bytes(limits["memory"]) >= memory_bytes(asked["memory"])
            assert asked.get("nvidia.com/gpu", 0) == 0, "extended resources are told by their limit"
    gateway = pod_specs(choice)["gateway"]["containers"][0]
    assert memory_bytes(gateway["resources"]["requests"]["memory"]) >= 2 * settings.max_queue_bytes
    assert "cpu" not in gateway["resources"]["limits"]


@every_choice
def test_a_model_server_computes_with_as_many_threads_as_it_has_cores(choice: Choice) -> None:
    for name, spec in pod_specs(choice).items():
        if name == "gateway":
            continue
        (server,) = spec["containers"]
        flags = dict(flag[2:].split("=", 1) for flag in server["args"])
        limit = str(server["resources"]["limits"]["cpu"])
        assert flags == {"tensorflow_intra_op_parallelism": limit, "tensorflow_inter_op_parallelism": limit}
        assert set(flags) == {flag[2:].split("=")[0] for flag in DOCKERFILE.last("model-server", "CMD").command}


@every_choice
def test_a_model_server_has_a_thread_for_each_batch_of_all_gateways(choice: Choice) -> None:
    flags = dict(word[2:].split("=", 1) for word in DOCKERFILE.last("model-server", "ENTRYPOINT").command[1:])
    scalers = of_kind(choice, "HorizontalPodAutoscaler") | of_kind(choice, "ScaledObject")
    spec = scalers.get("gateway", of_kind(choice, "Deployment")["gateway"])["spec"]
    gateways = next(spec[key] for key in ("maxReplicas", "maxReplicaCount", "replicas") if key in spec)
    most = gateways * gateway_settings(choice).max_in_flight_batches
    assert most + STATUS_THREADS <= int(flags["grpc_max_threads"])


@every_choice
def test_what_is_mounted_is_there_and_what_is_there_is_mounted(choice: Choice) -> None:
    claims, maps = of_kind(choice, "PersistentVolumeClaim"), of_kind(choice, "ConfigMap")
    used = set()
    for spec in pod_specs(choice).values():
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        mounts = [mount for container in containers(spec) for mount in container.get("volumeMounts", ())]
        assert {mount["name"] for mount in mounts} == set(volumes)
        for volume in volumes.values():
            if "persistentVolumeClaim" in volume:
                used.add(volume["persistentVolumeClaim"]["claimName"])
            if "configMap" in volume:
                assert volume["configMap"]["name"] in maps
        assert {mount["mountPath"] for mount in mounts if mount["name"] == "models"} == {
            DOCKERFILE.environment("gateway")["PENSTOCK_MODELS"]
        }
    assert used == set(claims)


@every_choice
def test_pods_that_mount_what_one_node_may_mount_are_on_one_node(choice: Choice) -> None:
    claims = of_kind(choice, "PersistentVolumeClaim")
    for name, spec in pod_specs(choice).items():
        mounted = {volume.get("persistentVolumeClaim", {}).get("claimName") for volume in spec["volumes"]}
        if any("ReadWriteOnce" in claims[each]["spec"]["accessModes"] for each in mounted & set(claims)):
            (term,) = spec["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
            assert term["topologyKey"] == "kubernetes.io/hostname"
            assert chosen(term["labelSelector"], pod_labels(choice)[name])


@every_choice
def test_a_model_server_reads_what_the_sidecar_writes(choice: Choice) -> None:
    flags = dict(word[2:].split("=", 1) for word in DOCKERFILE.last("model-server", "ENTRYPOINT").command[1:])
    for name, spec in pod_specs(choice).items():
        if name == "gateway":
            continue
        (files,) = [each for each in spec["initContainers"] if each["name"] == "model-server-files"]
        assert files["restartPolicy"] == "Always"
        arguments = files["args"]
        assert shlex.join([*files["command"], *arguments[:2]]) == "penstock model-server config"
        written = PurePosixPath(arguments[arguments.index("--out") + 1])
        assert PurePosixPath(flags["model_config_file"]).parent == written
        assert files["startupProbe"]["exec"]["command"][-1] == flags["model_config_file"]
        (server,) = spec["containers"]
        for each, read_only in ((files, None), (server, True)):
            (mount,) = [found for found in each["volumeMounts"] if found["name"] == "config"]
            assert (mount["mountPath"], mount.get("readOnly")) == (str(written), read_only)


@every_choice
def test_service_accounts_are_there_and_carry_no_token(choice: Choice) -> None:
    accounts = of_kind(choice, "ServiceAccount")
    assert {spec["serviceAccountName"] for spec in pod_specs(choice).values()} == set(accounts)
    assert all(account["automountServiceAccountToken"] is False for account in accounts.values())
