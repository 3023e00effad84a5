"""What a kustomization changes in all of its objects: labels, namespace, replica counts and images. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from serving.deployment.kustomization import Image, Labels, Replicas
from serving.errors import IntegrityError

TEMPLATES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    **dict.fromkeys(("DaemonSet", "Deployment", "Job", "ReplicaSet", "StatefulSet"), (("spec", "template"),)),
    "CronJob": (("spec", "jobTemplate"), ("spec", "jobTemplate", "spec", "template")),
}
"""Where kinds say what is made for them, such as their pods."""
SCALED = ("Deployment", "ReplicaSet", "StatefulSet")
WITHOUT_NAMESPACE = ("ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "Namespace", "PersistentVolume")
IMAGE = re.compile(r"(?P<name>[^@]+?)(?::(?P<tag>[^:/@]+))?(?P<digest>@.+)?")
Object = Mapping[str, Any]


def with_labels(found: Object, labels: Sequence[Labels]) -> Object:
    for each in labels:
        places: tuple[tuple[str, ...], ...] = ((), *(TEMPLATES.get(found["kind"], ()) if each.templates else ()))
        for place in places:
            path = (*place, "metadata", "labels")
            found = _put(found, path, {**_labels(found, place), **each.pairs})
    return found


def with_namespace(found: Object, namespace: str | None) -> Object:
    if namespace is None or found["kind"] in WITHOUT_NAMESPACE:
        return found
    return _put(found, ("metadata", "namespace"), namespace)


def _labels(found: Object, place: tuple[str, ...]) -> Mapping[str, str]:
    for name in (*place, "metadata", "labels"):
        found = found.get(name) or {}
    return found


def with_replicas(objects: Sequence[Object], replicas: Sequence[Replicas]) -> list[Object]:
    """Raises IntegrityError where a name is nobody's, as Kustomize does."""
    changed = list(objects)
    for each in replicas:
        places = [index for index, found in enumerate(changed) if _is_scaled(found, each.name)]
        if not places:
            raise IntegrityError(f"replicas: nothing that is scaled is called {each.name!r}")
        for index in places:
            changed[index] = _put(changed[index], ("spec", "replicas"), each.count)
    return changed


def _is_scaled(found: Object, name: str) -> bool:
    return found["kind"] in SCALED and found["metadata"]["name"] == name


def with_images(value: Any, images: Sequence[Image]) -> Any:
    """Every container's image, in whatever kind it stands."""
    if isinstance(value, list):
        return [with_images(inner, images) for inner in value]
    if not isinstance(value, Mapping):
        return value
    return {
        name: [_with_image(each, images) for each in inner]
        if name in ("containers", "initContainers") and isinstance(inner, list)
        else with_images(inner, images)
        for name, inner in value.items()
    }


def _with_image(container: Any, images: Sequence[Image]) -> Any:
    if not isinstance(container, Mapping) or not isinstance(container.get("image"), str):
        return container
    image = container["image"]
    for each in images:
        image = renamed(image, each)
    return {**container, "image": image}


def renamed(image: str, by: Image) -> str:
    """`image` (`name[:tag][@digest]`) as `by` says; a new tag takes the digest's place too."""
    parts = IMAGE.fullmatch(image)
    if parts is None or parts["name"] != by.name:
        return image
    name = by.new_name or by.name
    if by.new_tag is not None:
        return f"{name}:{by.new_tag}"
    return f"{name}{':' + parts['tag'] if parts['tag'] else ''}{parts['digest'] or ''}"


def _put(value: Mapping[str, Any], path: tuple[str, ...], new: object) -> dict[str, Any]:
    """A copy with `new` at `path`, which is made where there is none."""
    first, *rest = path
    return {**value, first: _put(value.get(first) or {}, tuple(rest), new) if rest else new}


def images_of(value: Any) -> Iterator[str]:
    """The image of every container in `value`, an object or a list of them."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name in ("containers", "initContainers") and isinstance(inner, list):
                yield from (each["image"] for each in inner if isinstance(each, Mapping) and "image" in each)
            yield from images_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from images_of(inner)
