"""Which rows go to the gateway as an array of numbers rather than as JSON, at a tenth of the cost.

Pure. Arrays do, where the gateway takes them: for a model of one feature, or of numbers alone, a column each in the
manifest's order. A server without manifests is TensorFlow Serving itself, which reads JSON alone.
"""

from collections.abc import Sequence
from typing import Any

from penstock_client.frames import FrameRows
from penstock_client.metadata import Feature, ModelMetadata
from penstock_client.npy import is_number_array, write_npy, write_npy_rows


def npy_body(instances: Any, metadata: ModelMetadata) -> bytes | None:
    """The rows as a `.npy` file, None where they have to be JSON."""
    if not _may_be_numbers(instances) or not metadata.manifest or not _are_numbers(metadata.features):
        return None
    if isinstance(instances, FrameRows):
        instances = instances.numbers([feature.name for feature in metadata.features])
    if is_number_array(instances):
        return write_npy(instances)
    if isinstance(instances, (list, tuple)) and instances and all(map(is_number_array, instances)):
        return write_npy_rows(instances)
    return None


def _may_be_numbers(instances: Any) -> bool:
    """By the first look, which is all that a call with records pays."""
    if isinstance(instances, (list, tuple)):
        return bool(instances) and is_number_array(instances[0])
    return isinstance(instances, FrameRows) or is_number_array(instances)


def _are_numbers(features: Sequence[Feature]) -> bool:
    if len(features) == 1:
        return features[0].kind in ("image", "number", "tensor") and features[0].dtype != "string"
    return all(_is_number(feature) for feature in features)


def _is_number(feature: Feature) -> bool:
    return feature.kind in ("number", "tensor") and not feature.shape and feature.dtype != "string"
