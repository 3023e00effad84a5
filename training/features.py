"""A job's features to Keras inputs and the layers behind them, adapted on the training split alone.

What is learned from data (means, fill-ins, vocabularies) lives in these layers, so it is exported with the weights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from serving.contract.tensors import Array
from training.feature_spec import (
    TrainableCategory,
    TrainableFeature,
    TrainableImage,
    TrainableNumber,
    TrainableText,
    known_categories,
)
from training.scaling import check_varies, learn_scaling


@dataclass(frozen=True, slots=True)
class Encoded:
    """`inputs`: one Keras input a feature, under its name. `tensors`: what the network starts from, scaled.

    `tokens`: for each int64 tensor among them, by its name, how many numbers there are, padding (0) and unknown (1)
    included.
    """

    inputs: Mapping[str, Any]
    tensors: Sequence[Any]
    tokens: Mapping[str, int]


def encode(features: Sequence[TrainableFeature], train: Mapping[str, Array]) -> Encoded:
    """All numbers as one tensor [rows, numbers], then every other feature in its own, in the job's order.

    Categories and bags of words are [rows, columns], sequences of words int64 [rows, length], images
    [rows, height, width] or [rows, height, width, channels]. Raises InvalidInput for a feature that never varies in
    `train`: it teaches nothing, and dividing by its deviation would blow up the first row that differs.
    """
    for feature in features:
        check_varies(feature.name, train[feature.name])
    inputs = {
        feature.name: keras.Input(feature.row_shape, name=feature.name, dtype=feature.dtype) for feature in features
    }
    numbers = [feature for feature in features if isinstance(feature, TrainableNumber)]
    tensors = [_numbers(numbers, inputs, train)] if numbers else []
    tokens: dict[str, int] = {}
    for feature in features:
        given, column = inputs[feature.name], train[feature.name]
        match feature:
            case TrainableImage():
                tensors.append(_image(feature, given, column))
            case TrainableCategory():
                tensors.append(_category(feature, given, column))
            case TrainableText():
                words = _text(feature, column)
                tensors.append(words(given))
                if feature.encode == "sequence":
                    tokens[tensors[-1].name] = words.vocabulary_size()
    return Encoded(inputs, tensors, tokens)


def _numbers(features: Sequence[TrainableNumber], inputs: Mapping[str, Any], train: Mapping[str, Array]) -> Any:
    # one layer for all of them: a few operations in the graph where ten features would make twenty
    learned = learn_scaling(features, np.stack([train[feature.name] for feature in features], axis=-1))
    numbers = keras.ops.stack([inputs[feature.name] for feature in features], axis=-1)
    if learned.fill is not None:
        numbers = keras.ops.where(keras.ops.isnan(numbers), learned.fill, numbers)
    if learned.in_log.any():
        numbers = keras.ops.where(learned.in_log, keras.ops.log1p(keras.ops.where(learned.in_log, numbers, 0)), numbers)
    return keras.layers.Normalization(
        axis=-1, mean=learned.shift, variance=np.square(learned.width), name="normalise_numbers"
    )(numbers)


def _image(feature: TrainableImage, image: Any, pixels: Array) -> Any:
    if feature.scale == "none":
        return image
    if feature.scale == "minmax":
        least, most = feature.range or (float(pixels.min()), float(pixels.max()))
        width = most - least
        return keras.layers.Rescaling(1 / width, -least / width, name=f"normalise_{image.name}")(image)
    # one mean for all pixels: a corner that is blank in every training row has no deviation of its own
    normalise = keras.layers.Normalization(axis=None, name=f"normalise_{image.name}")
    normalise.adapt(pixels)
    return normalise(image)


def _category(feature: TrainableCategory, category: Any, column: Array) -> Any:
    # number 0 is Keras's bucket for whatever is not in the vocabulary, no value included
    known = list(known_categories(feature, column))
    numbered = keras.layers.StringLookup(
        vocabulary=known, output_mode="one_hot" if feature.size is None else "int", name=f"look_up_{feature.name}"
    )(category)
    if feature.size is None:
        return numbered
    return keras.layers.Embedding(len(known) + 1, feature.size, name=f"embed_{feature.name}")(numbered)


def _text(feature: TrainableText, column: Array) -> Any:
    words = keras.layers.TextVectorization(
        max_tokens=feature.max_tokens,
        output_mode=TEXT_MODES[feature.encode],
        output_sequence_length=feature.length,
        ngrams=feature.ngrams if feature.ngrams > 1 else None,
        standardize=None if feature.standardise == "none" else feature.standardise,
        name=f"vectorise_{feature.name}",
    )
    words.adapt(tf.constant(column))
    return words


TEXT_MODES = {"tf_idf": "tf_idf", "multi_hot": "multi_hot", "sequence": "int"}
"""Our names to Keras's."""
