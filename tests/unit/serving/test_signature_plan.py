from collections.abc import Callable

import pytest

from serving.batching.events import BatchRules, Lane
from serving.contract.features import CategoryFeature, ImageFeature, NumberFeature, TensorFeature
from serving.contract.manifest import Export, Manifest
from serving.contract.tensors import Signature, TensorSpec
from serving.model_settings import NO_SETTINGS, ModelSettings
from serving.preprocessing.examples import ExampleFeature
from serving.signature_plan import SignaturePlan, plans_of

FEATURES = (NumberFeature(name="x"), CategoryFeature(name="colour"), ImageFeature(name="image", shape=(2, 2)))
OUTPUT = (TensorSpec("value", "float32", (1,)),)
SERVE = Signature(tuple(TensorSpec(f.name, f.dtype, f.row_shape) for f in FEATURES), OUTPUT)
EXAMPLES = Signature((TensorSpec("inputs", "string", ()),), OUTPUT)
SIGNATURES = {"serving_default": SERVE, "classify": EXAMPLES, "other": EXAMPLES}
Plans = Callable[..., dict[str, SignaturePlan]]


@pytest.fixture
def plans(manifest_with: Callable[..., Manifest]) -> Plans:
    def make(settings: ModelSettings = NO_SETTINGS, **fields: object) -> dict[str, SignaturePlan]:
        return plans_of("m", 3, manifest_with(features=FEATURES, **fields), SIGNATURES, settings)

    return make


def test_features_are_the_manifests_and_examples_hold_them(plans: Plans) -> None:
    found = plans()
    assert found["serving_default"].features == FEATURES
    assert found["classify"].features == (ExampleFeature(name="inputs", record=FEATURES),)
    assert found["other"].features == (TensorFeature(name="inputs", dtype="string"),)


def test_without_a_manifest_the_signature_says_all() -> None:
    found = plans_of("m", 3, None, SIGNATURES, NO_SETTINGS)
    assert found["classify"].features == (TensorFeature(name="inputs", dtype="string"),)
    assert [feature.kind for feature in found["serving_default"].features] == ["tensor"] * 3


def test_batches_keep_to_the_manifest_and_to_the_models_settings(plans: Plans) -> None:
    settings = ModelSettings(max_batch_rows=8, objective_seconds=0.02, max_wait_seconds=0.001, default_priority="batch")
    found = plans(settings, export=Export(profile="gpu", allowed_batch_rows=(1, 8)))
    assert found["serving_default"].rules == BatchRules((1, 8), 8, 0.02, 0.001)
    assert found["classify"].rules == BatchRules((), 8, 0.02, 0.001)
    assert (found["serving_default"].lane, plans()["serving_default"].lane) == (Lane.BATCH, Lane.NORMAL)


def test_non_finite_numbers_are_taken_by_every_signature_of_a_model_that_says_so(plans: Plans) -> None:
    found = plans(ModelSettings(allow_non_finite=True))
    taken = [getattr(feature, "allow_non_finite", None) for feature in found["serving_default"].features]
    (examples,) = found["classify"].features
    assert isinstance(examples, ExampleFeature)
    assert taken == [True, None, True]
    assert examples.record == found["serving_default"].features
    assert not any(getattr(feature, "allow_non_finite", False) for feature in FEATURES)
