"""Pods that mirror an object store, and model servers of a canary's own."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from serving.deployment.agreement import faults
from serving.model_server.config_verb import run
from tests.deployment.k8s.manifests import CHOICES, Choice, of_kind, own_components, pod_specs, rendered

MIRRORED = [choice for choice in CHOICES if "object-store" in choice.components]
CANARIES = [choice for choice in CHOICES if "canary" in choice.components]
mirrored = pytest.mark.parametrize("choice", MIRRORED, ids=str)
canaries = pytest.mark.parametrize("choice", CANARIES, ids=str)


@mirrored
def test_models_are_fetched_before_anything_else_and_followed_beside_it(choice: Choice) -> None:
    for spec in pod_specs(choice).values():
        fetch, mirror = spec["initContainers"][:2]
        assert [fetch["name"], mirror["name"]] == ["fetch-models", "mirror-models"]
        assert "restartPolicy" not in fetch
        assert "--once" in fetch["args"]
        assert mirror["restartPolicy"] == "Always"
        assert "--watch" in mirror["args"]
        for container in (fetch, mirror):
            assert (container["command"], container["args"][0]) == (["penstock"], "mirror")
        health = mirror["args"][mirror["args"].index("--health-file") + 1]
        assert mirror["livenessProbe"]["exec"]["command"] == ["penstock", "mirror", "--check-health", health]


@mirrored
def test_only_the_mirror_writes_to_a_pods_own_copy(choice: Choice) -> None:
    assert of_kind(choice, "PersistentVolumeClaim") == {}
    for spec in pod_specs(choice).values():
        (volume,) = [each for each in spec["volumes"] if each["name"] == "models"]
        assert set(volume) == {"name", "emptyDir"}
        writing = {
            container["name"]
            for container in (*spec["initContainers"], *spec["containers"])
            for mount in container["volumeMounts"]
            if mount["name"] == "models" and not mount.get("readOnly")
        }
        assert writing == {"fetch-models", "mirror-models"}


@mirrored
def test_every_key_of_the_stores_config_is_read(choice: Choice) -> None:
    keys = set(of_kind(choice, "ConfigMap")["model-store"]["data"])
    for spec in pod_specs(choice).values():
        for container in spec["initContainers"][:2]:
            assert {"configMapRef": {"name": "model-store"}} in container["envFrom"]
            assert set(re.findall(r"\$\((\w+)\)", " ".join(container["args"]))) == keys


@canaries
def test_a_canarys_servers_and_the_others_share_the_versions_out(choice: Choice) -> None:
    shares = {}
    for name in ("model-server", "model-server-canary"):
        (files,) = [each for each in pod_specs(choice)[name]["initContainers"] if each["name"] == "model-server-files"]
        shares[name] = files["args"][-2:]
    assert shares == {"model-server": ["--without-label", "canary"], "model-server-canary": ["--only-label", "canary"]}


@canaries
def test_a_canarys_servers_differ_from_the_others_in_their_label_alone(choice: Choice) -> None:
    main, canary = (pod_specs(choice)[name] for name in ("model-server", "model-server-canary"))
    for spec in (main, canary):
        assert spec["containers"][0]["image"] == main["containers"][0]["image"]
    assert without_arguments(main) == without_arguments(canary)


def without_arguments(spec: object) -> str:
    return re.sub(r"--(only|without)-label", "--label", str(spec))


@canaries
def test_where_there_are_gpus_a_canary_has_one_too(choice: Choice) -> None:
    for name, spec in pod_specs(choice).items():
        limits = spec["containers"][0]["resources"]["limits"]
        on_gpu = name != "gateway" and "gpu" in own_components(choice.overlay)
        assert ("nvidia.com/gpu" in limits) == on_gpu


@pytest.mark.parametrize("overlay", ["cpu", "gpu", "production"])
def test_a_canary_without_the_overlays_device_is_a_fault(overlay: str) -> None:
    (fault,) = faults(rendered(Choice(overlay, ("canary",))))
    assert fault.endswith("name the overlay's cpu or gpu once more")


@pytest.mark.parametrize("name", ["model-server", "model-server-canary"])
def test_the_sidecars_command_line_is_one_that_penstock_takes(name: str, tmp_path: Path) -> None:
    version = tmp_path / "models" / "digits" / "1"
    version.mkdir(parents=True)
    (version / "saved_model.pb").touch()
    (files,) = [each for each in pod_specs(CANARIES[0])[name]["initContainers"] if each["name"] == "model-server-files"]
    places = {"/models": str(tmp_path / "models"), "/config": str(tmp_path)}
    arguments = [places.get(word, word) for word in files["args"][1:] if word != "--watch"]
    assert run(arguments) == 0
    assert (tmp_path / "models.config").is_file()


@pytest.mark.parametrize("container", ["fetch-models", "mirror-models"])
def test_the_mirrors_command_line_is_one_that_penstock_takes(container: str, tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    spec = pod_specs(MIRRORED[0])["gateway"]
    (mirror,) = [each for each in spec["initContainers"] if each["name"] == container]
    places = {
        "/models": str(tmp_path / "models"),
        "$(MODEL_STORE)": str(store),
        "/dev/shm/mirror.json": str(tmp_path / "health.json"),  # noqa: S108 - a container has its own
    }
    arguments = [places.get(word, word) for word in mirror["args"]]
    if "--watch" in arguments:  # as long as the pod; here once is enough
        at = arguments.index("--watch")
        arguments[at : at + 2] = ["--once"]
        assert asked("mirror", "--check-health", str(tmp_path / "absent.json")) == 1
    assert asked(*arguments) == 1, "an empty store has no version; 2 would be wrong use"


def asked(verb: str, *arguments: str) -> int:
    program = f"import sys; from serving.{verb}_verb import run; sys.exit(run(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], check=False, capture_output=True, text=True, timeout=120
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode
