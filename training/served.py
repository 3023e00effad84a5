"""What the exported version is sent, where that is not what the network was trained on: images as 8-bit pixels.

Pure. Where it differs, `pixel * scale + offset` moves from the gateway's decoding into the graph.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from serving.contract.features import Feature, ImageDecoding, ImageFeature
from serving.contract.tensors import Array
from serving.errors import InvalidInput
from training.export_spec import ExportSpec

WHITE = 255
ROUNDING = 1e-3
"""Of a pixel: a limit that misses a whole pixel by this little, for want of digits in `scale`, is that pixel."""


def served_features(features: Sequence[Feature], export: ExportSpec) -> tuple[Feature, ...]:
    """The features as the gateway reads them: with the profile gpu, images as uint8 and a range counted in pixels."""
    return tuple(_served(feature) if export.profile == "gpu" else feature for feature in features)


def served_inputs(inputs: Mapping[str, Array], features: Sequence[Feature], export: ExportSpec) -> dict[str, Array]:
    """Rows of the job's features as rows of the served ones: images to the nearest 8-bit pixel.

    Raises InvalidInput at the first row with a value that no pixel from 0 to 255 comes near.
    """
    decodings = pixel_decodings(features, export)
    return {name: _pixels(name, rows, decodings[name]) if name in decodings else rows for name, rows in inputs.items()}


def decoded_inputs(served: Mapping[str, Array], features: Sequence[Feature], export: ExportSpec) -> dict[str, Array]:
    """Rows of the served features as rows of the job's, in float32: what a network trained on those makes of them."""
    decodings = pixel_decodings(features, export)
    return {
        name: rows.astype(np.float32) * np.float32(decodings[name].scale) + np.float32(decodings[name].offset)
        if name in decodings
        else rows
        for name, rows in served.items()
    }


def pixel_decodings(features: Sequence[Feature], export: ExportSpec) -> dict[str, ImageDecoding]:
    """By the name of each feature that is sent as 8-bit pixels: what takes them to the units of the training."""
    images = [feature for feature in features if isinstance(feature, ImageFeature)]
    return {image.name: image.decoding for image in images} if export.profile == "gpu" else {}


def _served(feature: Feature) -> Feature:
    if not isinstance(feature, ImageFeature):
        return feature
    limits = _pixel_limits(feature.range, feature.decoding) if feature.range else None
    return feature.model_copy(
        update={
            "dtype": "uint8",
            "range": limits,
            "decoding": ImageDecoding(resample=feature.decoding.resample),
        }
    )


def _pixel_limits(limits: tuple[float, float], decoding: ImageDecoding) -> tuple[float, float] | None:
    """The pixels that decode to values within `limits`; None when all do, as a uint8 can hold no others."""
    low, high = sorted((value - decoding.offset) / decoding.scale for value in limits)
    first, last = max(0, math.ceil(low - ROUNDING)), min(WHITE, math.floor(high + ROUNDING))
    return None if (first, last) == (0, WHITE) else (float(first), float(last))


def _pixels(name: str, rows: Array, decoding: ImageDecoding) -> NDArray[np.uint8]:
    pixels = np.rint((rows.astype(np.float64) - decoding.offset) / decoding.scale)
    outside = ((pixels < 0) | (pixels > WHITE)).reshape(len(rows), -1)
    if outside.any():
        row = int(np.argmax(outside.any(axis=1)))
        value = rows.reshape(len(rows), -1)[row, int(np.argmax(outside[row]))]
        raise InvalidInput(
            f"{name} holds {value:g}, which no 8-bit pixel decodes to (pixel * {decoding.scale:g} +"
            f" {decoding.offset:g}): set its decoding, or export.profile to cpu",
            pointer=f"/{name}/{row}",
        )
    return pixels.astype(np.uint8)
