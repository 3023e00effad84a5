"""Reads what the doctor judges of a model directory: graphs through message classes, without TensorFlow's runtime.

What cannot be read becomes a fact and never an error. The newest and the labelled versions are compared with their
checksums, byte by byte; older ones answer nothing, and `penstock models verify` reads those too.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from serving.backends.prediction_log import read_predictions
from serving.backends.tensor_protos import DTYPE_NAMES
from serving.backends.tensorflow_messages import message_module
from serving.contract.manifest import Manifest
from serving.contract.model_directory import VersionPaths, model_paths, version_number
from serving.contract.tensors import NUMPY_DTYPES
from serving.errors import BackendRejected, IntegrityError, UnknownModel, UnknownVersion
from serving.model_server.configs import PublishedModel
from serving.model_server.doctor.facts import (
    Facts,
    Graph,
    GraphSignature,
    GraphTensor,
    ModelFacts,
    ServerFacts,
    VersionFacts,
    WarmupCall,
)
from serving.model_store.audit import AuditEntry, read_audit
from serving.model_store.labels import answering_version, read_labels
from serving.model_store.verify import verify_version
from serving.model_store.versions import list_folders, list_model_folders, list_versions, read_manifest

_DTYPES = {dtype: name for name, dtype in NUMPY_DTYPES.items()}
_NOT_A_SIGNATURE = "__saved_model_init_op"


def read_facts(models: Path, server: ServerFacts) -> Facts:
    try:
        names = list_model_folders(models)
    except IntegrityError as error:
        return Facts(directory_problem=str(error), server=server)
    found = tuple(_model(models, name) for name in names if not name.startswith("."))
    empty = "" if any(model.published.versions for model in found) else "no model has a version"
    return Facts(found, empty, server)


def _model(models: Path, name: str) -> ModelFacts:
    labels: dict[str, int] = {}
    history: tuple[AuditEntry, ...] = ()
    labels_problem = history_problem = ""
    try:
        labels = dict(read_labels(models, name))
    except IntegrityError as error:
        labels_problem = str(error)
    try:
        history = read_audit(models, name)
    except IntegrityError as error:
        history_problem = str(error)
    try:
        versions, folders = list_versions(models, name), list_folders(models, name)
    except (IntegrityError, UnknownModel) as error:
        return ModelFacts(PublishedModel(name, (), labels), (), (), (), str(error), history_problem)
    asked = {max(versions, default=0), *labels.values()}
    facts = tuple(_version(models, name, version, verified=version in asked) for version in versions)
    answering = answering_version(labels, versions)
    manifest = next((each.manifest for each in facts if each.version == answering), None)
    return ModelFacts(
        PublishedModel(name, versions, labels, history, manifest.export.allowed_batch_rows if manifest else ()),
        facts,
        _odd_folders(models, name),
        tuple(sorted(set(folders) - set(versions))),
        labels_problem,
        history_problem,
    )


def _odd_folders(models: Path, name: str) -> tuple[str, ...]:
    with os.scandir(model_paths(models, name).root) as entries:
        names = [each.name for each in entries if each.is_dir() and not each.name.startswith(".")]
    return tuple(sorted(each for each in names if version_number(each) is None))


def _version(models: Path, model: str, version: int, *, verified: bool) -> VersionFacts:
    paths = model_paths(models, model).version(version)
    manifest: Manifest | None = None
    manifest_problem = ""
    try:
        manifest = read_manifest(models, model, version)
    except (IntegrityError, UnknownVersion) as error:
        manifest_problem = str(error)
    facts = VersionFacts(model, version, manifest, manifest_problem)
    try:
        facts = replace(facts, graph=_graph(paths))
    except (OSError, DecodeError, IntegrityError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        facts = replace(facts, graph_problem=f"saved_model.pb cannot be read: {reason}")
    if verified and manifest is not None:
        damage = tuple(f"{each.file}: {each.detail}" for each in verify_version(models, model, version))
        facts = replace(facts, damage=damage)
    return _with_warmup(facts, paths)


def _graph(paths: VersionPaths) -> Graph:
    saved = message_module("tensorflow.core.protobuf.saved_model_pb2").SavedModel()
    saved.ParseFromString(paths.saved_model.read_bytes())
    served = next((each for each in saved.meta_graphs if "serve" in each.meta_info_def.tags), None)
    if served is None:
        raise IntegrityError("it has no graph with the tag `serve`")
    signatures = tuple(
        GraphSignature(name, _tensors(each.inputs), _tensors(each.outputs))
        for name, each in sorted(served.signature_def.items())
        if name != _NOT_A_SIGNATURE
    )
    return Graph(signatures, served.meta_info_def.tensorflow_version)


def _tensors(infos: Any) -> tuple[GraphTensor, ...]:
    return tuple(GraphTensor(name, DTYPE_NAMES.get(info.dtype), _shape(info)) for name, info in sorted(infos.items()))


def _shape(info: Any) -> tuple[int | None, ...] | None:
    if info.tensor_shape.unknown_rank:
        return None
    return tuple(None if dimension.size == -1 else dimension.size for dimension in info.tensor_shape.dim)


def _with_warmup(facts: VersionFacts, paths: VersionPaths) -> VersionFacts:
    if not paths.warmup_records.is_file():
        return facts
    calls: list[WarmupCall] = []
    problem = ""
    try:
        for call in read_predictions(paths.warmup_records.read_bytes()):
            inputs = {name: (_DTYPES[array.dtype], array.shape) for name, array in call.inputs.items()}
            calls.append(WarmupCall(call.signature, inputs))
    except (IntegrityError, BackendRejected) as error:
        problem = str(error)
    except OSError as error:
        problem = error.strerror or type(error).__name__
    return replace(facts, warmup=tuple(calls), warmup_problem=problem)
