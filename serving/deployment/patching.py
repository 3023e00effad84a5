"""Changes to one object: Kubernetes' strategic merge, and JSON Patch (RFC 6902). Pure; what is given is not changed.

Lists of the built-in kinds merge by the keys of their OpenAPI schema (`x-kubernetes-patch-merge-key`), other lists are
replaced. As in Kustomize, elements that the patch names come first and in its order.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from serving.errors import IntegrityError

MERGE_KEYS: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",),
    "env": ("name",),
    "hostAliases": ("ip",),
    "imagePullSecrets": ("name",),
    "initContainers": ("name",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "volumeDevices": ("devicePath",),
    "volumeMounts": ("mountPath",),
    "volumes": ("name",),
}
PORT_KEYS: Mapping[str, tuple[str, ...]] = {
    "containers": ("containerPort", "protocol"),
    "Service": ("port", "protocol"),
}
"""`ports` of a container and of a Service; those of a NetworkPolicy are replaced."""
BUILT_IN = ("v1", "apps/v1", "batch/v1")
"""API groups with pods and Services. A custom kind has no such schema: its lists are replaced, whatever their names."""
DIRECTIVE = "$patch"


def merge(whole: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any] | None:
    """`whole` with the strategic merge `patch`; None where the patch deletes it. Raises IntegrityError for a directive
    other than `$patch: delete` and `$patch: replace`.
    """
    owner = str(whole.get("kind")) if whole.get("apiVersion") in BUILT_IN else ""
    return _merge_maps(whole, patch, owner)


def _merge_maps(whole: Mapping[str, Any], patch: Mapping[str, Any], owner: str) -> dict[str, Any] | None:
    directive = patch.get(DIRECTIVE)
    own = {name: value for name, value in patch.items() if name != DIRECTIVE}
    if unknown := [name for name in own if name.startswith("$")]:
        raise IntegrityError(f"a patch says {unknown[0]}, which is not supported")
    if directive == "delete":
        return None
    if directive == "replace":
        return own
    if directive is not None:
        raise IntegrityError(f"a patch says {DIRECTIVE}: {directive}; there are delete and replace")
    merged = dict(whole)
    for name, value in own.items():
        found = _merge_values(merged.get(name), value, name, owner)
        merged.pop(name, None) if found is None else merged.update({name: found})
    return merged


def _merge_values(old: Any, new: Any, name: str, owner: str) -> Any:
    if isinstance(new, Mapping):
        return _merge_maps(old if isinstance(old, Mapping) else {}, new, owner)
    if isinstance(new, list) and (keys := _keys(name, owner)):
        return _merge_lists(old if isinstance(old, list) else [], new, keys, name)
    return new


def _keys(name: str, owner: str) -> tuple[str, ...]:
    if not owner:
        return ()
    if name == "ports":
        return PORT_KEYS.get("containers" if owner == "initContainers" else owner, ())
    return MERGE_KEYS.get(name, ())


def _merge_lists(old: Sequence[Any], new: Sequence[Any], keys: tuple[str, ...], owner: str) -> list[Any]:
    def identity(element: Any) -> tuple[Any, ...]:
        named_by = [element.get(key) for key in keys] if isinstance(element, Mapping) else [element]
        if not isinstance(element, Mapping) or any(isinstance(value, Mapping | list) for value in named_by):
            raise IntegrityError(f"an element of {owner} is no object with {' and '.join(keys)}")
        return tuple(element.get(key, "TCP" if key == "protocol" else None) for key in keys)

    before = {identity(element): element for element in old}
    named = [(identity(element), element) for element in new]
    merged = [_merge_maps(before.get(which, {}), element, owner) for which, element in named]
    touched = {which for which, _ in named}
    return [*filter(None, merged), *(element for which, element in before.items() if which not in touched)]


def apply_operations(whole: Mapping[str, Any], operations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """`whole` after the JSON Patch operations add, remove and replace. Raises IntegrityError for others and for a path
    that is not there.
    """
    changed: dict[str, Any] = _copy(whole)
    for operation in operations:
        _apply(changed, operation)
    return changed


def _apply(whole: dict[str, Any], operation: Mapping[str, Any]) -> None:
    what, path = operation.get("op"), str(operation.get("path"))
    if not path.startswith("/"):
        raise IntegrityError(f"a patch has the path {path!r}; it starts with a slash")
    *above, last = (part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:])
    if what not in ("add", "remove", "replace"):
        raise IntegrityError(f"a patch has the operation {what!r}; there are add, remove and replace")
    try:
        place: Any = whole
        for part in above:
            place = place[int(part)] if isinstance(place, list) else place[part]
        if isinstance(place, list):
            _change_list(place, last, what, _copy(operation.get("value")))
        else:
            if what != "add":
                del place[last]
            if what != "remove":
                place[last] = _copy(operation.get("value"))
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise IntegrityError(f"a patch would {what} {path}, which is not there") from error


def _change_list(place: list[Any], last: str, what: str, value: Any) -> None:
    index = len(place) if last == "-" else int(last)
    if what == "add":
        place.insert(index, value)
        return
    del place[index]
    if what == "replace":
        place.insert(index, value)


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _copy(inner) for name, inner in value.items()}
    return [_copy(inner) for inner in value] if isinstance(value, list) else value
