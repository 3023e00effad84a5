"""What the shipped jobs reach, and what their manifests say about it."""

import hashlib
from pathlib import Path

import pytest

from serving.contract.manifest import Manifest, parse_manifest
from serving.contract.model_directory import VersionPaths, model_paths
from serving.contract.tensors import Signature, TensorSpec
from training.job_files import load_job

pytestmark = pytest.mark.parametrize("model", ["digits", "diabetes"])

OUTPUTS = {"digits": TensorSpec("probabilities", "float32", (10,)), "diabetes": TensorSpec("value", "float32", (1,))}


@pytest.fixture
def version(trained_models: Path, model: str) -> VersionPaths:
    return model_paths(trained_models, model).version(1)


@pytest.fixture
def manifest(version: VersionPaths) -> Manifest:
    return parse_manifest(version.manifest.read_bytes())


def test_test_split_is_answered_well_beyond_the_baseline(manifest: Manifest) -> None:
    metrics = manifest.metrics
    if manifest.task == "classification":
        assert metrics.test["accuracy"] >= 0.965
        assert metrics.baseline["accuracy"] < 0.12
        assert metrics.test["roc_auc"] > 0.99 > metrics.baseline["roc_auc"]
    else:
        assert metrics.test["mae"] <= 0.75 * metrics.baseline["mae"]
        assert metrics.test["r2"] > metrics.baseline["r2"]


def test_features_are_the_jobs(manifest: Manifest, model: str) -> None:
    assert manifest.features == load_job(model).contract_features


def test_serving_default_takes_each_feature_by_name_and_gives_one_named_output(manifest: Manifest, model: str) -> None:
    inputs = {TensorSpec(feature.name, feature.dtype, feature.row_shape) for feature in manifest.features}
    signature = manifest.signatures["serving_default"]
    assert set(signature.inputs) == inputs
    assert signature.outputs == (OUTPUTS[model],)


def test_signature_for_examples_is_the_tasks(manifest: Manifest) -> None:
    examples = (TensorSpec("inputs", "string", ()),)
    if manifest.task == "classification":
        outputs = (TensorSpec("classes", "string", (10,)), TensorSpec("scores", "float32", (10,)))
        assert manifest.signatures["classify"] == Signature(examples, outputs)
    else:
        assert manifest.signatures["regress"] == Signature(examples, (TensorSpec("outputs", "float32", ()),))


def test_rows_are_split_seventy_to_twenty_to_ten(manifest: Manifest) -> None:
    rows = manifest.lineage.rows
    total = sum(rows.values())
    assert rows["test"] == round(0.1 * total)
    assert rows["validation"] == round(0.2 * total)


def test_sketches_count_the_training_split(manifest: Manifest) -> None:
    for feature in manifest.features:
        values_a_row = 64 if feature.kind == "image" else 1
        assert sum(manifest.sketches[feature.name].counts) == manifest.lineage.rows["train"] * values_a_row


def test_job_digest_is_that_of_the_job_in_the_version(manifest: Manifest, version: VersionPaths) -> None:
    assert hashlib.sha256((version.extra / "job.json").read_bytes()).hexdigest() == manifest.job_sha256


def test_libraries_that_made_it_are_named(manifest: Manifest) -> None:
    assert {"python", "tensorflow", "keras", "numpy"} <= manifest.frameworks.keys()
