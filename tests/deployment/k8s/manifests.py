"""What k8s/ says, rendered: each overlay, alone and with components, as objects to ask."""

import functools
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from serving.deployment.choice import Choice as Asked
from serving.deployment.choice import layered
from serving.deployment.kustomize import evaluate
from serving.deployment.manifest_files import read_manifests

K8S = Path(__file__).parents[3] / "k8s"
OVERLAYS = tuple(sorted(path.parent.name for path in K8S.glob("overlays/*/kustomization.yaml")))
COMPONENTS = tuple(sorted(path.parent.name for path in K8S.glob("components/*/kustomization.yaml")))
DEVICES = {"cpu", "gpu"}
"""Components that say what model servers run on; each overlay but `local` has one."""
AUTOSCALERS = {"autoscaling-hpa", "autoscaling-keda"}
NEED_MODEL_SERVERS = {*AUTOSCALERS, "canary", *DEVICES}
"""Components that say something of model servers, which the overlay `local` has none of."""
Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """An overlay and the components beside it."""

    overlay: str
    components: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "+".join((self.overlay, *self.components))


def own_components(overlay: str) -> frozenset[str]:
    """Those that the overlay has, itself or from the overlay it is built on."""
    made = kustomization(K8S / "overlays" / overlay)
    own = {Path(path).name for path in made.get("components", ())}
    below = [Path(path).name for path in made["resources"] if Path(path).name in OVERLAYS]
    return frozenset(own).union(*map(own_components, below))


def _fitting(overlay: str) -> tuple[str, ...]:
    own = own_components(overlay)
    refused = NEED_MODEL_SERVERS if overlay == "local" else DEVICES
    refused = refused | ({"autoscaling-keda"} if "autoscaling-hpa" in own else set())
    return tuple(name for name in COMPONENTS if name not in own | refused)


def kustomization(folder: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((folder / "kustomization.yaml").read_text()))


def choices() -> Iterator[Choice]:
    """Every overlay alone, with each component that fits, and with as many as go together. A canary's model server is
    given its device by the component of that name, listed again.
    """
    for overlay in OVERLAYS:
        fitting = _fitting(overlay)
        device = own_components(overlay) & DEVICES
        yield Choice(overlay)
        yield from (Choice(overlay, (name, *(device if name == "canary" else ()))) for name in fitting)
        together = {name for name in fitting if name != "autoscaling-keda"}
        if len(together) > 1:
            yield Choice(overlay, tuple(sorted(together | (device if "canary" in together else set()))))


CHOICES = tuple(choices())


def pairs() -> Iterator[Choice]:
    """Every overlay with any two components that fit it."""
    for overlay in OVERLAYS:
        device = own_components(overlay) & DEVICES
        for two in itertools.combinations(_fitting(overlay), 2):
            if set(two) != AUTOSCALERS:
                yield Choice(overlay, (*two, *(device if "canary" in two else ())))


PAIRS = tuple(pairs())


@functools.cache
def rendered(choice: Choice) -> tuple[Object, ...]:
    """By our own renderer, as `penstock k8s render` prints it; test_evaluator.py compares that with kubectl."""
    return tuple(evaluate(*layered(read_manifests(), Asked(choice.overlay, choice.components))))


def of_kind(choice: Choice, kind: str) -> dict[str, Object]:
    return {found["metadata"]["name"]: found for found in rendered(choice) if found["kind"] == kind}


def pod_specs(choice: Choice) -> dict[str, Object]:
    """The pod of each Deployment."""
    return {name: found["spec"]["template"]["spec"] for name, found in of_kind(choice, "Deployment").items()}


def pod_labels(choice: Choice) -> dict[str, Mapping[str, str]]:
    return {
        name: found["spec"]["template"]["metadata"]["labels"] for name, found in of_kind(choice, "Deployment").items()
    }


def containers(spec: Object) -> list[Object]:
    """Those that run and those that run before them."""
    return [*spec.get("initContainers", ()), *spec["containers"]]


def chosen(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a selector by labels, or by values that one may have, chooses what has such labels."""
    assert selector.keys() <= {"matchLabels", "matchExpressions"}, selector
    wanted: Mapping[str, str] = selector.get("matchLabels", {})
    expressions = selector.get("matchExpressions", ())
    assert all(each["operator"] == "In" for each in expressions)
    return wanted.items() <= labels.items() and all(labels.get(each["key"]) in each["values"] for each in expressions)


def port_number(spec: Object, port: str | int) -> int:
    """A port of a pod by its number, however it is named. Raises KeyError where the pod has no port of that name."""
    named = {found["name"]: found["containerPort"] for each in containers(spec) for found in each.get("ports", ())}
    return port if isinstance(port, int) else int(named[port])


def memory_bytes(text: str) -> int:
    return int(text[:-2]) << 10 * ("KMG".index(text[-2]) + 1)


def cores(text: str) -> float:
    return float(text[:-1]) / 1000 if text.endswith("m") else float(text)
