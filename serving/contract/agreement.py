"""Whether a manifest and the SavedModel beside it speak of the same model; and features for a model without one.

Pure. Checked before a version takes traffic, so that no request is the first to find out.
"""

from collections.abc import Mapping
from functools import lru_cache

from serving.contract.features import Feature, TensorFeature
from serving.contract.manifest import Manifest
from serving.contract.tensors import Signature, shape_text
from serving.errors import IntegrityError

DEFAULT_SIGNATURE = "serving_default"


def check_agreement(manifest: Manifest, signatures: Mapping[str, Signature]) -> None:
    """Raise IntegrityError unless the manifest's features are exactly the inputs of `serving_default`."""
    signature = signatures.get(DEFAULT_SIGNATURE)
    if signature is None:
        raise IntegrityError(f"the SavedModel has no signature {DEFAULT_SIGNATURE}; it has {', '.join(signatures)}")
    inputs = {spec.name: spec for spec in signature.inputs}
    features = {feature.name: feature for feature in manifest.features}
    if inputs.keys() != features.keys():
        raise IntegrityError(f"the manifest's features {sorted(features)} are not the inputs {sorted(inputs)}")
    for name, feature in features.items():
        spec = inputs[name]
        if (feature.dtype, feature.row_shape) != (spec.dtype, spec.row_shape):
            raise IntegrityError(
                f"feature {name} is {feature.dtype} {shape_text(feature.row_shape)} in the manifest, "
                f"{spec.dtype} {shape_text(spec.row_shape)} in the SavedModel"
            )


@lru_cache(maxsize=256)
def features_of(signature: Signature) -> tuple[Feature, ...]:
    """The inputs of a signature that no manifest describes, as raw tensors."""
    return tuple(
        TensorFeature.model_validate({"name": spec.name, "dtype": spec.dtype, "shape": spec.row_shape})
        for spec in signature.inputs
    )
