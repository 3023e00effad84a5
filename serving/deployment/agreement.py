"""What the objects of one deployment must agree on, and no schema can tell. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from serving.deployment.choice import CONFIG
from serving.deployment.transformers import IMAGE, TEMPLATES, Object, images_of
from serving.errors import InvalidSettings
from serving.settings import PREFIX, Settings, load_settings

MODEL_SERVER, CANARY = "model-server", "model-server-canary"
EXTERNAL = ("Secret",)
"""What is not in the manifests by design: whoever deploys makes it."""
MODELS = ("PersistentVolumeClaim", "models")
"""The model directory, which a deployment brings and training joins."""
REFERENCES: Mapping[str, tuple[str, str]] = {
    "configMapRef": ("ConfigMap", "name"),
    "configMapKeyRef": ("ConfigMap", "name"),
    "configMap": ("ConfigMap", "name"),
    "persistentVolumeClaim": ("PersistentVolumeClaim", "claimName"),
    "scaleTargetRef": ("Deployment", "name"),
}
BACKENDS: Mapping[str, str] = {"penstock/gateway": "tfserving", "penstock/gateway-embedded": "embedded"}
"""What Dockerfile.gpu sets PENSTOCK_BACKEND to in an image."""
LATE_SECONDS = 5.0
"""After the drain a worker that hangs is ended: the supervisor's figure, which a test compares."""


def faults(objects: Sequence[Object], elsewhere: Collection[tuple[str, str]] = ()) -> list[str]:
    """One line for each name that leads nowhere and each setting the gateway would refuse; none where all agree.

    `elsewhere` are kinds and names of what the cluster has already.
    """
    templates = [found for each in objects for found in _templates(each)]
    return [
        *_references(objects, elsewhere),
        *(f"{_told(each)} selects no pod" for each in objects if not _selects(each, templates)),
        *(fault for each in objects if each["kind"] == "Service" for fault in _ports(each, templates)),
        *(fault for each in templates for fault in _probes(each)),
        *_settings(objects),
        *_devices(objects),
    ]


def _templates(found: Object) -> Iterator[Object]:
    for place in TEMPLATES.get(found["kind"], ()):
        inner: Any = found
        for name in place:
            inner = inner.get(name, {})
        if "containers" in inner.get("spec", {}):
            yield inner


def _references(objects: Sequence[Object], elsewhere: Collection[tuple[str, str]]) -> Iterator[str]:
    there = {*elsewhere, *((each["kind"], each["metadata"]["name"]) for each in objects)}
    for each in objects:
        for said in _mappings(each):
            for field, (kind, key) in REFERENCES.items():
                target = said.get(field)
                if not isinstance(target, Mapping) or key not in target or target.get("optional"):
                    continue
                wanted = (target.get("kind", kind), target[key])
                if wanted not in there and wanted[0] not in EXTERNAL:
                    yield f"{_told(each)} names the {wanted[0]} {wanted[1]!r}, which is not there"
            account = said.get("serviceAccountName")
            if account and ("ServiceAccount", account) not in there:
                yield f"{_told(each)} names the ServiceAccount {account!r}, which is not there"


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for each in inner:
        yield from _mappings(each)


def _selects(found: Object, templates: Sequence[Object]) -> bool:
    spec = found.get("spec", {})
    if found["kind"] == "Service":
        return not (wanted := spec.get("selector")) or any(_fits(wanted, each) for each in templates)
    name = {"PodDisruptionBudget": "selector", "NetworkPolicy": "podSelector"}.get(found["kind"], "")
    wanted = spec.get(name, {}).get("matchLabels")
    return not wanted or any(_fits(wanted, each) for each in templates)


def _fits(wanted: Mapping[str, str], template: Object) -> bool:
    return bool(wanted.items() <= template.get("metadata", {}).get("labels", {}).items())


def _ports(service: Object, templates: Sequence[Object]) -> Iterator[str]:
    for template in templates:
        if not _fits(service["spec"].get("selector") or {"": ""}, template):
            continue
        named = {port["name"] for each in _containers(template) for port in each.get("ports", ())}
        for port in service["spec"].get("ports", ()):
            if isinstance(target := port.get("targetPort"), str) and target not in named:
                yield f"{_told(service)} sends to the port {target!r}, which its pods do not have"


def _probes(template: Object) -> Iterator[str]:
    for each in _containers(template):
        named = {port["name"] for port in each.get("ports", ()) if "name" in port}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            port = each.get(probe, {}).get("httpGet", {}).get("port")
            if isinstance(port, str) and port not in named:
                yield f"the {probe} of {each['name']!r} asks the port {port!r}, which it does not have"


def _containers(template: Object) -> list[Any]:
    return [*template["spec"].get("initContainers", ()), *template["spec"]["containers"]]


def _settings(objects: Sequence[Object]) -> Iterator[str]:
    """The gateway's settings as it would read them."""
    config = next((each for each in objects if (each["kind"], each["metadata"]["name"]) == ("ConfigMap", CONFIG)), None)
    gateway = next(
        (each for each in objects if (each["kind"], each["metadata"]["name"]) == ("Deployment", "gateway")), None
    )
    if config is None or gateway is None:
        return
    pod = gateway["spec"]["template"]["spec"]
    container = next(each for each in pod["containers"] if each["name"] == "gateway")
    image = IMAGE.fullmatch(next(images_of({"containers": [container]})))
    environment = dict(config["data"])
    environment |= {each["name"]: each["value"] for each in container.get("env", ()) if "value" in each}
    if image and image["name"] in BACKENDS:
        environment.setdefault(f"{PREFIX}BACKEND", BACKENDS[image["name"]])
    try:
        settings = load_settings({}, environment, {})
    except InvalidSettings as error:
        yield f"ConfigMap {CONFIG!r}: {error}"
        return
    yield from (f"ConfigMap {CONFIG!r}: {fault}" for fault in _pod_of(settings, environment, pod, container))
    yield from (f"ConfigMap {CONFIG!r}: {fault}" for fault in _keys(settings, container))
    if settings.asks_who_calls and not settings.open_metrics:
        yield from (fault for each in objects if each["kind"] == "ServiceMonitor" for fault in _scraping(each))


def _pod_of(settings: Settings, environment: Mapping[str, str], pod: Object, container: Object) -> Iterator[str]:
    """What settings say that the pod, which they do not change, would have to know too."""
    before = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    grace = pod.get("terminationGracePeriodSeconds", 30)  # Kubernetes' own
    if (needed := before + settings.drain_seconds + LATE_SECONDS) > grace:
        yield (
            f"drain_seconds: with preStop a stop may take {needed:g} s, and the pod is killed after {grace} s: drain "
            "for less, or raise terminationGracePeriodSeconds in a kustomization of your own"
        )
    opened = {port["containerPort"] for port in container.get("ports", ())}
    for name in ("port", "grpc_port"):
        if f"{PREFIX}{name.upper()}" in environment and getattr(settings, name) not in opened:
            yield f"{name}: {getattr(settings, name)} is no port of the pod, whose probes and Services ask the image's"


def _keys(settings: Settings, container: Object) -> Iterator[str]:
    """The file of keys is where its Secret is mounted, and can be rotated there; or nobody is asked, and it says so."""
    if not settings.asks_who_calls and not settings.allow_anonymous:
        yield "allow_anonymous: others reach a pod, which does not start without credentials: add the component auth"
    if settings.api_keys is None:
        return
    mounts = {each["mountPath"]: each for each in container.get("volumeMounts", ())}
    mount = mounts.get(str(settings.api_keys.parent))
    if mount is None:
        yield f"api_keys: nothing is mounted at {settings.api_keys.parent}: add the component auth, or a mount"
    elif mount.get("subPath"):
        yield f"api_keys: {settings.api_keys.parent} is mounted by subPath, which never sees a changed Secret"


def _scraping(monitor: Object) -> Iterator[str]:
    for endpoint in monitor["spec"].get("endpoints", ()):
        if "authorization" not in endpoint:
            yield (
                f"{_told(monitor)} shows no credential, and /metrics asks for one: put the component auth after "
                "monitoring, or set PENSTOCK_OPEN_METRICS=true"
            )


def _devices(objects: Sequence[Object]) -> Iterator[str]:
    """A canary's model servers run on what the others do."""
    named = {each["metadata"]["name"]: each for each in objects if each["kind"] == "Deployment"}
    canary, main = named.get(CANARY), named.get(MODEL_SERVER)
    if canary and main and _device(canary) != _device(main):
        yield (
            f"{_told(canary)} has not the image or the limits of {_told(main)}: after the component canary, name the "
            "overlay's cpu or gpu once more"
        )


def _device(workload: Object) -> list[tuple[str, Any]]:
    containers = workload["spec"]["template"]["spec"]["containers"]
    return [(each["image"], each.get("resources", {}).get("limits")) for each in containers]


def _told(found: Object) -> str:
    return f"{found['kind']} {found['metadata']['name']!r}"
