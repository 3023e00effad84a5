"""What holds for every request to one signature of one version: worked out once, when the version goes live.

Pure. Whatever depends on the manifest and the settings alone belongs here, so that a request only looks it up.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from serving.backend_protocol import Target
from serving.batching.events import BatchRules, Lane
from serving.batching.lengths import LengthRules, length_rules
from serving.contract.agreement import DEFAULT_SIGNATURE, features_of
from serving.contract.features import CategoryFeature, Feature, TextFeature, sent_by_callers
from serving.contract.manifest import Manifest
from serving.contract.tensors import Signature
from serving.model_settings import ModelSettings
from serving.preprocessing.examples import ExampleFeature

EXAMPLE_SIGNATURES = frozenset({"classify", "regress"})
"""Of a version that `penstock train` exported: they take serialized tf.Example of the manifest's features."""


@dataclass(frozen=True, slots=True)
class SignaturePlan:
    """`features` is what a request's body is decoded by, `rules` what its batches keep to, `lane` where it waits unless
    it says otherwise, `lengths` how rows of different lengths come together.
    """

    target: Target
    features: tuple[Feature, ...]
    rules: BatchRules
    lane: Lane
    lengths: LengthRules | None


def plans_of(
    model: str, version: int, manifest: Manifest | None, signatures: Mapping[str, Signature], settings: ModelSettings
) -> dict[str, SignaturePlan]:
    """By the name of each signature."""
    return {
        name: SignaturePlan(
            Target(model, version, name),
            _as_set(_features(name, manifest, signature), settings),
            _rules(_sizes(name, manifest), settings),
            Lane[settings.default_priority.upper()],
            length_rules(manifest.features, signature, settings.lengths)
            if manifest and name == DEFAULT_SIGNATURE
            else None,
        )
        for name, signature in signatures.items()
    }


def _rules(sizes: tuple[int, ...], settings: ModelSettings) -> BatchRules:
    return BatchRules(sizes, settings.max_batch_rows, settings.objective_seconds, settings.max_wait_seconds)


def _as_set(features: tuple[Feature, ...], settings: ModelSettings) -> tuple[Feature, ...]:
    return tuple(map(_with_non_finite, features)) if settings.allow_non_finite else features


def _with_non_finite(feature: Feature) -> Feature:
    if isinstance(feature, CategoryFeature | TextFeature):
        return feature
    update: dict[str, object] = {"allow_non_finite": True}
    if isinstance(feature, ExampleFeature):
        update["record"] = tuple(map(_with_non_finite, feature.record))
    return feature.model_copy(update=update)


def _features(name: str, manifest: Manifest | None, signature: Signature) -> tuple[Feature, ...]:
    if manifest and name == DEFAULT_SIGNATURE:
        return sent_by_callers(manifest.features)
    if manifest and name in EXAMPLE_SIGNATURES and takes_examples(signature):
        return (ExampleFeature(name=signature.inputs[0].name, record=sent_by_callers(manifest.features)),)
    return features_of(signature)


def takes_examples(signature: Signature) -> bool:
    """Whether its one input is a batch of strings, as serialized tf.Example are."""
    return [(spec.dtype, spec.row_shape) for spec in signature.inputs] == [("string", ())]


def _sizes(name: str, manifest: Manifest | None) -> tuple[int, ...]:
    """The row counts the backend may be sent, rising; empty when any will do."""
    return manifest.export.allowed_batch_rows if manifest and name == DEFAULT_SIGNATURE else ()
