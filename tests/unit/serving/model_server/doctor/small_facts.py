"""Facts of a model directory and of a model server in miniature, whole until a test changes them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from serving.contract.manifest import Export, Manifest
from serving.model_server.configs import PublishedModel
from serving.model_server.doctor.facts import (
    Batching,
    ConfiguredModel,
    Facts,
    Graph,
    GraphSignature,
    GraphTensor,
    ModelFacts,
    ServerFacts,
    VersionFacts,
    WarmupCall,
)
from serving.model_server.flags import Deployment, flag_lines
from tests.doubles import doubles_manifest

X, VALUE = GraphTensor("x", "float32", (None,)), GraphTensor("value", "float32", (None, 1))
GRAPH = Graph((GraphSignature("serving_default", (X,), (VALUE,)),), "2.20.0")
FLAGS = {
    name.removeprefix("--"): value
    for name, value in (line.split("=", 1) for line, _ in flag_lines(Deployment(gpu=True)))
}
WHOLE = VersionFacts("doubles", 1, doubles_manifest(), graph=GRAPH)


def warmed(*rows: int, dtype: str = "float32") -> tuple[WarmupCall, ...]:
    return tuple(WarmupCall("serving_default", {"x": (dtype, (each,))}) for each in rows)


def version(**fields: Any) -> Facts:
    """One model of one version, whole but for `fields`."""
    return model(versions=(replace(WHOLE, **fields),))


def model(
    *,
    on_disk: tuple[int, ...] = (1,),
    labels: Mapping[str, int] | None = None,
    sizes: tuple[int, ...] = (),
    server: ServerFacts | None = None,
    **fields: Any,
) -> Facts:
    published = PublishedModel("doubles", on_disk, labels or {}, (), sizes)
    facts = ModelFacts(published, fields.pop("versions", (WHOLE,)), **fields)
    return Facts((facts,), server=server or ServerFacts())


def graph(x: GraphTensor = X, *, name: str = "serving_default", tensorflow: str = "2.20.0") -> Graph:
    return Graph((GraphSignature(name, (x,), (VALUE,)),), tensorflow)


def configured(
    *,
    versions: tuple[int, ...] = (1,),
    policy: str = "specific",
    labels: Mapping[str, int] | None = None,
    name: str = "doubles",
) -> ConfiguredModel:
    return ConfiguredModel(name, f"/models/{name}", policy, versions, labels or {})


def models_config(*given: ConfiguredModel, **fields: Any) -> ServerFacts:
    return ServerFacts(models=given or (configured(),), **fields)


def flags(**changed: str | None) -> ServerFacts:
    """Those that Penstock sets, with some `changed` or, for None, left out."""
    return ServerFacts(flags={name: value for name, value in {**FLAGS, **changed}.items() if value is not None})


def batching(largest: int | None = 8, allowed: tuple[int, ...] = (1, 8), **more: bool) -> ServerFacts:
    return ServerFacts(batching=Batching(largest, allowed, more.get("pads", False), more.get("splits", False)))


def on(server: ServerFacts) -> Facts:
    return model(server=server)


def compiled(*sizes: int) -> Manifest:
    return doubles_manifest(export=Export(profile="gpu", allowed_batch_rows=sizes))
