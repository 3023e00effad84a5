"""What a kustomization.yaml may say here: the fields that `k8s/` uses, and no other. Pure."""

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from serving.errors import IntegrityError


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Target(_Part):
    """Which objects a patch is for; kind and name are regular expressions of the whole, as in Kustomize."""

    kind: str = ".*"
    name: str = ".*"


class Patch(_Part):
    """A strategic merge, or JSON Patch operations (RFC 6902), which need a target; inline or in a file."""

    patch: str | None = None
    path: str | None = None
    target: Target | None = None


class GeneratorOptions(_Part):
    """`disableNameSuffixHash` is required: a name stays the same when its content changes."""

    stable_name: Literal[True] = Field(alias="disableNameSuffixHash")
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}


class ConfigMapGenerator(_Part):
    """Entries written out (`KEY=VALUE`) and files, under their own names or as `KEY=PATH`."""

    name: str
    behavior: Literal["create", "merge", "replace"] = "create"
    literals: Sequence[str] = ()
    files: Sequence[str] = ()
    options: GeneratorOptions


class Labels(_Part):
    """Labels for every object and, with `includeTemplates`, for the pods; never for selectors, which cannot change."""

    pairs: Mapping[str, str]
    templates: bool = Field(default=False, alias="includeTemplates")
    selectors: Literal[False] = Field(default=False, alias="includeSelectors")


class Image(_Part):
    """Another name or tag for an image, wherever a container has it."""

    name: str
    new_name: str | None = Field(default=None, alias="newName")
    new_tag: str | None = Field(default=None, alias="newTag")


class Replicas(_Part):
    name: str
    count: int = Field(ge=0)


class Kustomization(_Part):
    """One folder's kustomization.yaml, or one layer that was put together in memory."""

    api_version: str = Field(default="kustomize.config.k8s.io/v1beta1", alias="apiVersion")
    kind: Literal["Kustomization", "Component"] = "Kustomization"
    resources: Sequence[str] = ()
    components: Sequence[str] = ()
    generators: Sequence[ConfigMapGenerator] = Field(default=(), alias="configMapGenerator")
    patches: Sequence[Patch] = ()
    namespace: str | None = None
    labels: Sequence[Labels] = ()
    replicas: Sequence[Replicas] = ()
    images: Sequence[Image] = ()


def read_kustomization(said: object, path: str) -> Kustomization:
    """Raises IntegrityError that names `path` and every field that is unknown or wrong."""
    try:
        return Kustomization.model_validate(said)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise IntegrityError(f"{path}: {faults}") from error
