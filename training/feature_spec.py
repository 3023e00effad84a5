"""Features as a job file names them: what a caller sends, and how the network is to take it.

Pure. Only `contract()` reaches the manifest: how a number is scaled is the graph's affair, not a caller's.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal, Self, TypeAlias

import numpy as np
from pydantic import Field, PositiveInt, model_validator

from serving.contract.features import CategoryFeature, Fact, Feature, ImageFeature, NumberFeature, TextFeature
from serving.contract.tensors import Array


class TrainableNumber(NumberFeature):
    """`scale` is learned on the training split, `log` being the logarithm of 1 + value, standardised.

    `missing` says what the graph puts in for an absent value; without it every row must have one.
    """

    scale: Literal["standard", "minmax", "log", "none"] = "standard"
    missing: Literal["mean", "median"] | None = None

    @model_validator(mode="after")
    def _is_trainable(self) -> Self:
        if self.optional and self.missing is None:
            raise ValueError("optional, but nothing says what stands in: give missing = 'mean' or 'median' instead")
        if self.missing and self.default is not None:
            raise ValueError("missing and default are two answers to an absent value; keep one")
        if self.scale == "log" and (self.range is None or self.range[0] < 0):
            raise ValueError(
                "scale = 'log' needs a range from 0 or above, so that no value without a logarithm comes in"
            )
        return self

    def contract(self) -> NumberFeature:
        content = self.model_dump(exclude={"scale", "missing"})
        return NumberFeature.model_validate(content | {"optional": self.missing is not None})


class TrainableCategory(CategoryFeature):
    """`one_hot` gives one column a category and one for the unknown; `embedding` gives `size` learned columns.

    Without a `vocabulary` the training split's values are it.
    """

    encode: Literal["one_hot", "embedding"] = "one_hot"
    size: PositiveInt | None = None

    @model_validator(mode="after")
    def _is_trainable(self) -> Self:
        if (self.encode == "embedding") != (self.size is not None):
            raise ValueError("size is the width of an embedding: give it with encode = 'embedding', and only then")
        return self

    def contract(self, vocabulary: tuple[str, ...]) -> CategoryFeature:
        content = self.model_dump(exclude={"encode", "size"})
        return CategoryFeature.model_validate(content | {"vocabulary": vocabulary})


class TrainableText(TextFeature):
    """The `max_tokens` most frequent words of the training split are known to the graph, all others are one unknown.

    `tf_idf` and `multi_hot` give one column a word: how often it occurs, weighted by its rarity, or whether it does.
    `sequence` gives the first `length` words' numbers in order, for a recurrent network. With `ngrams` runs of up to
    so many words count as words too.
    """

    encode: Literal["tf_idf", "multi_hot", "sequence"]
    max_tokens: Annotated[int, Field(ge=3)]  # one for padding, one for the unknown
    length: PositiveInt | None = None
    ngrams: PositiveInt = 1
    standardise: Literal["lower_and_strip_punctuation", "lower", "none"] = "lower_and_strip_punctuation"

    @model_validator(mode="after")
    def _is_trainable(self) -> Self:
        if (self.encode == "sequence") != (self.length is not None):
            raise ValueError("length counts the words of a sequence: give it with encode = 'sequence', and only then")
        return self

    def contract(self) -> TextFeature:
        trained = {"encode", "max_tokens", "length", "ngrams", "standardise"}
        return TextFeature.model_validate(self.model_dump(exclude=trained))


class TrainableImage(ImageFeature):
    """`standard` has one mean and one deviation for all pixels; `minmax` takes `range`, or what was seen, to 0 to 1."""

    scale: Literal["standard", "minmax", "none"] = "standard"

    def contract(self) -> ImageFeature:
        return ImageFeature.model_validate(self.model_dump(exclude={"scale"}))


TrainableFeature: TypeAlias = Annotated[
    TrainableNumber | TrainableCategory | TrainableText | TrainableImage, Field(discriminator="kind")
]
"""The kinds of feature that `features.py` knows how to put in front of a network."""

TRAINABLE: Mapping[str, type[Fact]] = MappingProxyType(
    {"number": TrainableNumber, "category": TrainableCategory, "text": TrainableText, "image": TrainableImage}
)
"""What may stand in one of `[[features]]`, by its `kind`."""


def as_contract(feature: TrainableFeature, train: Array | None = None) -> Feature:
    """What the manifest says of `feature`. `train`, its training rows as decoded, brings a category's vocabulary."""
    if isinstance(feature, TrainableCategory):
        learned = () if train is None else known_categories(feature, train)
        return feature.contract(feature.vocabulary or learned)
    return feature.contract()


def known_categories(feature: TrainableCategory, train: Array) -> tuple[str, ...]:
    """The job's vocabulary, else what the training rows [rows] of UTF-8 hold, sorted; no value is not a category."""
    if feature.vocabulary:
        return feature.vocabulary
    return tuple(value.decode() for value in np.unique(train).tolist() if value)
