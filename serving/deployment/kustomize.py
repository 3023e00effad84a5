"""A small evaluator of Kustomize: exactly the fields that `k8s/` uses, so that nobody needs kubectl to render it. Pure.

Its reference is `kubectl kustomize` (Kustomize 5.5): a folder is its resources, then what its generators make, then its
components, then its patches, namespace, labels, replicas and images, in this order.
"""

import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from serving.deployment.kustomization import ConfigMapGenerator, Kustomization, Patch, Target, read_kustomization
from serving.deployment.patching import apply_operations, merge
from serving.deployment.transformers import Object, with_images, with_labels, with_namespace, with_replicas
from serving.errors import IntegrityError

FILE = "kustomization.yaml"


def evaluate(tree: Mapping[str, str], folder: str) -> list[Object]:
    """The objects that `folder` of `tree` (texts by path, `/` between) is, in the order in which they come up.

    Raises IntegrityError for a file that is missing or says what is not supported.
    """
    return _Evaluation(tree).folder(posixpath.normpath(folder), [])


class _Evaluation:
    def __init__(self, tree: Mapping[str, str]) -> None:
        self._tree = tree

    def folder(self, folder: str, objects: list[Object]) -> list[Object]:
        """`objects`, which a component gets from whoever names it, with what this folder adds and changes."""
        path = posixpath.join(folder, FILE)
        said = read_kustomization(yaml.safe_load(self._text(path)), path)
        for resource in said.resources:
            objects = _added(objects, self._resource(posixpath.normpath(posixpath.join(folder, resource))), path)
        for generator in said.generators:
            objects = _generated(objects, generator, self._entries(generator, folder), path)
        for component in said.components:
            objects = self.folder(posixpath.normpath(posixpath.join(folder, component)), objects)
        for patch in said.patches:
            objects = self._patched(objects, patch, folder)
        return _transformed(objects, said)

    def _resource(self, path: str) -> list[Object]:
        if posixpath.join(path, FILE) in self._tree:
            return self.folder(path, [])
        return [found for found in yaml.safe_load_all(self._text(path)) if found is not None]

    def _text(self, path: str) -> str:
        try:
            return self._tree[path]
        except KeyError as error:
            raise IntegrityError(f"there is no {path}") from error

    def _entries(self, generator: ConfigMapGenerator, folder: str) -> dict[str, str]:
        entries = {}
        for name in generator.files:
            key, _, path = name.rpartition("=")
            entries[key or posixpath.basename(path)] = self._text(posixpath.normpath(posixpath.join(folder, path)))
        for literal in generator.literals:
            key, separator, value = literal.partition("=")
            if not separator:
                raise IntegrityError(f"{folder}/{FILE}: the literal {literal!r} is not KEY=VALUE")
            quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
            entries[key] = value[1:-1] if quoted else value
        return entries

    def _patched(self, objects: list[Object], patch: Patch, folder: str) -> list[Object]:
        path = posixpath.normpath(posixpath.join(folder, patch.path or FILE))
        text = self._text(path) if patch.path else patch.patch or ""
        for said in yaml.safe_load_all(text):
            if isinstance(said, list):
                if patch.target is None:
                    raise IntegrityError(f"{path}: JSON Patch operations need a target")
                objects = [apply_operations(each, said) if _is_it(each, patch.target) else each for each in objects]
            elif said is not None:
                objects = _merged(objects, said, patch.target, path)
        return objects


def _merged(objects: Sequence[Object], said: Mapping[str, Any], target: Target | None, path: str) -> list[Object]:
    """A patch without a target is for the one object that it names. One with a target may find none: a component that
    changes what another one brings.
    """
    chosen = [_is_it(each, target) if target else _identity(each) == _identity(said) for each in objects]
    if not any(chosen) and target is None:
        raise IntegrityError(f"{path}: a patch is for {_told(said)}, which is not there")
    change = said
    if target:
        metadata = {name: value for name, value in said.get("metadata", {}).items() if name != "name"}
        change = {name: value for name, value in said.items() if name not in ("apiVersion", "kind", "metadata")}
        change |= {"metadata": metadata} if metadata else {}
    merged = [merge(each, change) if is_it else each for each, is_it in zip(objects, chosen, strict=True)]
    return [each for each in merged if each is not None]


def _generated(
    objects: Sequence[Object], generator: ConfigMapGenerator, entries: Mapping[str, str], path: str
) -> list[Object]:
    options = {"labels": dict(generator.options.labels), "annotations": dict(generator.options.annotations)}
    made: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": generator.name, **{name: value for name, value in options.items() if value}},
        "data": dict(entries),
    }
    if generator.behavior == "create":
        return _added(objects, [made], path)
    if not any(_identity(each) == _identity(made) for each in objects):
        raise IntegrityError(f"{path}: there is no ConfigMap {generator.name!r} to {generator.behavior}")
    return [_with_entries(each, made, generator) if _identity(each) == _identity(made) else each for each in objects]


def _with_entries(old: Object, made: Object, generator: ConfigMapGenerator) -> Object:
    metadata = dict(old["metadata"])
    for name in ("labels", "annotations"):
        if both := {**metadata.get(name, {}), **made["metadata"].get(name, {})}:
            metadata[name] = both
    kept = old["data"] if generator.behavior == "merge" else {}
    return {**old, "metadata": metadata, "data": {**kept, **made["data"]}}


def _transformed(objects: Sequence[Object], said: Kustomization) -> list[Object]:
    labelled = [with_labels(with_namespace(each, said.namespace), said.labels) for each in objects]
    return [with_images(each, said.images) for each in with_replicas(labelled, said.replicas)]


def _added(objects: Sequence[Object], more: Sequence[Object], path: str) -> list[Object]:
    there = {_identity(each) for each in objects}
    if twice := [each for each in more if _identity(each) in there]:
        raise IntegrityError(f"{path}: {_told(twice[0])} is there already")
    return [*objects, *more]


def _is_it(found: Object, target: Target) -> bool:
    return bool(re.fullmatch(target.kind, found["kind"]) and re.fullmatch(target.name, found["metadata"]["name"]))


def _identity(found: Object) -> tuple[str, str, str]:
    """Group, kind and name; the group's version does not tell objects apart."""
    group = str(found.get("apiVersion", "")).rpartition("/")[0]
    return group, str(found.get("kind")), str(found.get("metadata", {}).get("name"))


def _told(found: Object) -> str:
    _, kind, name = _identity(found)
    return f"{kind} {name!r}"
