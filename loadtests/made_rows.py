"""Rows as a caller might send them, drawn from a seed: near a version's golden examples, within its features' ranges.

Pure. Values are natural ones, as `penstock_client` takes them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from penstock_client import ModelMetadata
from PIL import Image
from pydantic import TypeAdapter

from serving.contract.features import (
    CategoryFeature,
    Feature,
    ImageFeature,
    NumberFeature,
    TensorFeature,
    TextFeature,
    sent_by_callers,
)

Row: TypeAlias = dict[str, Any]
"""A natural value for every feature, by name."""

SPREAD = 0.05
"""Deviation of a drawn number from its example, as a part of it: other rows, and none that the model never met."""
DIGITS = 4
"""Behind the point, as real requests have them."""
FREE_SIZES = (4, 33)
"""The least size of a free dimension, and the one beyond the largest."""
WORDS = ("a", "fair", "wind", "carried", "the", "little", "boat", "home", "before", "night")
_FEATURES: TypeAdapter[Feature] = TypeAdapter(Feature)
_TENSORFLOW_DTYPES = {"float": "float32", "double": "float64", "half": "float16"}


@dataclass(frozen=True, slots=True)
class RowMaker:
    """Draws rows for `features`; `examples` are golden ones, by feature, and there may be none."""

    features: tuple[Feature, ...]
    examples: tuple[Mapping[str, Any], ...]

    @property
    def images(self) -> tuple[ImageFeature, ...]:
        return tuple(feature for feature in self.features if isinstance(feature, ImageFeature))

    def rows(self, count: int, random: np.random.Generator) -> list[Row]:
        """`count` rows that may share a batch: what a free dimension is, it is in all of them."""
        free = int(random.integers(*FREE_SIZES))
        return [self._row(free, random) for _ in range(count)]

    def _row(self, free: int, random: np.random.Generator) -> Row:
        example = self.examples[int(random.integers(len(self.examples)))] if self.examples else {}
        return {feature.name: _value(feature, example.get(feature.name), free, random) for feature in self.features}


def row_maker(metadata: ModelMetadata) -> RowMaker:
    """From what the gateway says of the version; one without a manifest has tensors, and no examples."""
    if not metadata.manifest:
        return RowMaker(tuple(_plain_tensor(each.name, each.dtype, each.shape) for each in metadata.features), ())
    features = sent_by_callers([_FEATURES.validate_python(each) for each in metadata.manifest["features"]])
    golden = [each["instance"] for each in metadata.manifest.get("golden_examples", ())]
    sole = features[0].name if len(features) == 1 else None
    named = [{sole: each} if sole and not isinstance(each, Mapping) else each for each in golden]
    return RowMaker(features, tuple(named))


def picture(feature: ImageFeature, pixels: Any) -> Image.Image:
    """The image whose decoding gives `pixels`, rounded to its 8 bits."""
    decoding = feature.decoding
    levels = (np.asarray(pixels, np.float64) - decoding.offset) / decoding.scale
    shape = feature.shape[:2] if feature.is_grey else feature.shape
    return Image.fromarray(np.clip(np.rint(levels), 0, 255).astype(np.uint8).reshape(shape))


def _plain_tensor(name: str, dtype: str, shape: tuple[int | None, ...]) -> TensorFeature:
    """`dtype` is TensorFlow's name, such as DT_FLOAT."""
    plain = dtype.removeprefix("DT_").lower()
    return TensorFeature.model_validate({"name": name, "dtype": _TENSORFLOW_DTYPES.get(plain, plain), "shape": shape})


def _value(feature: Feature, example: Any, free: int, random: np.random.Generator) -> Any:
    match feature:
        case NumberFeature():
            return _number(feature, example, random)
        case CategoryFeature():
            return str(random.choice(feature.vocabulary)) if feature.vocabulary else str(example or WORDS[0])
        case TextFeature():
            words = str(example).split() if example else list(WORDS)
            return " ".join(random.permutation(words)) if words else WORDS[0]
        case ImageFeature():
            return _pixels(feature, example, random).tolist()
        case TensorFeature():
            return _tensor(feature, example, free, random)


def _number(feature: NumberFeature, example: Any, random: np.random.Generator) -> float | int:
    lowest, highest = feature.range or (-np.inf, np.inf)
    if example is not None:
        drawn = float(example) * random.normal(1, SPREAD)
    elif feature.range:
        drawn = random.uniform(lowest, highest)
    else:
        drawn = random.normal()
    is_whole = "int" in feature.dtype or (example is not None and float(example).is_integer())
    value = min(max(round(drawn) if is_whole else round(drawn, DIGITS), lowest), highest)
    return int(value) if "int" in feature.dtype else float(value)


def _pixels(feature: ImageFeature, example: Any, random: np.random.Generator) -> NDArray[Any]:
    lowest, highest = feature.range or (0.0, 255.0 if feature.dtype == "uint8" else 1.0)
    if example is None:
        drawn = random.uniform(lowest, highest, feature.shape)
    else:
        drawn = np.asarray(example, np.float64)
        is_ink = drawn > lowest  # the ground stays empty, as a real picture's
        drawn = drawn + is_ink * random.normal(0, SPREAD * (highest - lowest), drawn.shape)
    is_whole = "int" in feature.dtype or (example is not None and bool(np.all(np.asarray(example) % 1 == 0)))
    limited = np.clip(np.rint(drawn) if is_whole else drawn.round(DIGITS), lowest, highest)
    return limited.astype(np.int64) if is_whole else limited


def _tensor(feature: TensorFeature, example: Any, free: int, random: np.random.Generator) -> Any:
    """Whole numbers may be places in a table, so an example's are left as they are; without one they are 0 or 1."""
    shape = tuple(free if size is None else size for size in feature.shape)
    if feature.dtype == "string":
        return example if example is not None else np.full(shape, WORDS[0]).tolist()
    if "float" not in feature.dtype:
        drawn = random.integers(0, 2, shape).astype(bool if feature.dtype == "bool" else np.int64)
        return example if example is not None else drawn.tolist()
    if example is None:
        return random.normal(size=shape).round(DIGITS).tolist()
    near = np.asarray(example, np.float64)
    return (near * random.normal(1, SPREAD, near.shape)).round(DIGITS).tolist()
