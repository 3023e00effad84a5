import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving.backends.prediction_log import LoggedPrediction, prediction_log
from serving.backends.tensorflow_messages import message_module
from serving.contract.manifest import Manifest, render_manifest
from serving.contract.model_directory import VersionPaths, model_paths
from serving.contract.tfrecord import tfrecord
from serving.model_server.doctor.facts import GraphTensor, ModelFacts, ServerFacts, WarmupCall
from serving.model_server.doctor.read_directory import read_facts
from serving.model_server.doctor.verb import run
from serving.model_store.version_files import sha256_of


def saved_model(shape: tuple[int, ...] = (-1,), *, tag: str = "serve") -> bytes:
    """A graph with one signature from x to value, written by TensorFlow 2.21."""
    saved = message_module("tensorflow.core.protobuf.saved_model_pb2").SavedModel()
    graph = saved.meta_graphs.add()
    graph.meta_info_def.tags.append(tag)
    graph.meta_info_def.tensorflow_version = "2.21.0"
    for name in ("serving_default", "__saved_model_init_op"):
        signature = graph.signature_def[name]
        for info, sizes in ((signature.inputs["x"], shape), (signature.outputs["value"], (-1, 1))):
            info.dtype = 1
            for size in sizes:
                info.tensor_shape.dim.add(size=size)
    data: bytes = saved.SerializeToString()
    return data


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def publish(models: Path, manifest_with: Callable[..., Manifest]) -> Callable[..., VersionPaths]:
    """A whole version, its files in its manifest."""

    def whole(version: int = 1, graph: bytes = b"", warmup: bytes | None = None, **fields: Any) -> VersionPaths:
        paths = model_paths(models, "doubles").version(version)
        paths.extra.mkdir(parents=True)
        paths.saved_model.write_bytes(graph or saved_model())
        files = [paths.saved_model]
        if warmup is not None:
            paths.warmup_records.write_bytes(warmup)
            files.append(paths.warmup_records)
        digests = {file.relative_to(paths.root).as_posix(): sha256_of(file) for file in files}
        paths.manifest.write_bytes(render_manifest(manifest_with(version=version, files=digests, **fields)))
        return paths

    return whole


def read(models: Path) -> ModelFacts:
    (found,) = read_facts(models, ServerFacts()).models
    return found


def test_a_whole_version_is_read(models: Path, publish: Callable[..., VersionPaths]) -> None:
    call = LoggedPrediction("doubles", "serving_default", {"x": np.zeros(4, np.float32)})
    publish(warmup=tfrecord(prediction_log(call)))
    (version,) = read(models).versions
    assert (version.manifest_problem, version.graph_problem, version.warmup_problem, version.damage) == ("", "", "", ())
    assert version.warmup == (WarmupCall("serving_default", {"x": ("float32", (4,))}),)
    assert version.graph
    assert version.graph.tensorflow == "2.21.0"
    (signature,) = version.graph.signatures
    assert signature.inputs == (GraphTensor("x", "float32", (None,)),)


def test_what_cannot_be_read_is_a_fact(models: Path, publish: Callable[..., VersionPaths]) -> None:
    paths = publish(graph=b"\xff\xff no graph", warmup=b"no record either")
    paths.manifest.write_text("{")
    model_paths(models, "doubles").labels.write_text("{")
    model_paths(models, "doubles").audit.write_text("no entry\n")
    found = read(models)
    (version,) = found.versions
    assert "manifest.json" in version.manifest_problem
    assert "saved_model.pb cannot be read" in version.graph_problem
    assert "record 1" in version.warmup_problem
    assert "not JSON" in found.labels_problem
    assert "line 1" in found.history_problem


def test_a_graph_that_is_not_for_serving_is_told(models: Path, publish: Callable[..., VersionPaths]) -> None:
    publish(graph=saved_model(tag="train"))
    assert "no graph with the tag `serve`" in read(models).versions[0].graph_problem


def test_damage_is_looked_for_where_requests_go(models: Path, publish: Callable[..., VersionPaths]) -> None:
    for number in (1, 2, 3):
        paths = publish(number)
        paths.saved_model.write_bytes(saved_model((-1, 2)))
    model_paths(models, "doubles").labels.write_text('{"stable": 1}')
    found = {version.version: version.damage for version in read(models).versions}
    assert found == {1: (changed := ("saved_model.pb: its sha256 is not the manifest's",)), 2: (), 3: changed}


def test_odd_and_hollow_folders_are_found(models: Path, publish: Callable[..., VersionPaths]) -> None:
    publish()
    for name in ("007", "old", ".staging-1", "9"):
        (models / "doubles" / name).mkdir()
    found = read(models)
    assert (found.folders, found.hollow) == (("007", "old"), (9,))


def test_a_directory_without_models_is_told(models: Path) -> None:
    assert "cannot be read" in read_facts(models, ServerFacts()).directory_problem
    models.mkdir()
    assert read_facts(models, ServerFacts()).directory_problem == "no model has a version"


def test_the_verb_is_silent_on_what_is_whole(
    models: Path, publish: Callable[..., VersionPaths], capsys: pytest.CaptureFixture[str]
) -> None:
    publish()
    assert run([str(models)]) == 0
    assert capsys.readouterr().out == "1 version of 1 model, 41 rules: nothing found\n"


def test_the_verb_tells_each_finding_in_a_line(
    models: Path, publish: Callable[..., VersionPaths], capsys: pytest.CaptureFixture[str]
) -> None:
    publish(graph=saved_model((1,)))
    assert run([str(models), "--server-version", "2.19.1-gpu"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        (
            "doubles 1: serving_default: x has [1], its batch dimension is not free; "
            "export it with None as the first dimension"
        ),
        (
            "doubles 1: exported by TensorFlow 2.21, the server is 2.19; "
            "take a newer server: it may lack operations that the graph has"
        ),
        "1 version of 1 model, 41 rules: 2 findings",
    ]


def test_the_verb_speaks_json(
    models: Path, publish: Callable[..., VersionPaths], capsys: pytest.CaptureFixture[str]
) -> None:
    publish(graph=saved_model((1,)))
    assert run([str(models), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["models"], told["versions"]) == (1, 1)
    assert [finding["rule"] for finding in told["findings"]] == ["batch_dimension_not_free"]


def test_the_files_of_a_folder_are_taken_as_far_as_they_are_there(
    models: Path, publish: Callable[..., VersionPaths], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish()
    (tmp_path / "batching.config").write_text("max_batch_size { value: 8 } allowed_batch_sizes: 4")
    assert run([str(models), "--config-folder", str(tmp_path)]) == 1
    assert "batching.config: the last of allowed_batch_sizes is 4" in capsys.readouterr().out
