"""Training images varied at random: turned, moved, cut, mirrored, made noisy. Never part of the model.

Keras's layers for this keep a counter of random numbers, so that batches prepared side by side would differ from run
to run; and each of them resamples the image once more. Here each batch has a seed of its own, and one affine map an
image does all the moving, so that it is resampled once.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from serving.contract.features import ImageFeature
from training.augmentation_spec import AugmentationSpec
from training.job import JobSpec

Augment: TypeAlias = Callable[[Mapping[str, Any], Any], dict[str, Any]]
"""From inputs by name, and a seed (two integers), to inputs of the same shapes and types."""


def augmentation(job: JobSpec) -> Augment | None:
    """What the job's training batches go through, None when nothing; other features than images are left alone."""
    spec = job.augmentation
    if spec is None:
        return None
    images = [feature for feature in job.features if isinstance(feature, ImageFeature)]

    def augment(inputs: Mapping[str, Any], seed: Any) -> dict[str, Any]:
        varied = dict(inputs)
        for place, feature in enumerate(images):
            own_seed = tf.random.experimental.stateless_fold_in(seed, place)
            varied[feature.name] = _varied(inputs[feature.name], spec, feature.range, own_seed)
        return varied

    return augment


def _varied(images: Any, spec: AugmentationSpec, limits: tuple[float, float] | None, seed: Any) -> Any:
    grey = len(images.shape) == 3
    signal = images[..., tf.newaxis] if grey else images
    seeds = tf.random.experimental.stateless_split(seed, 3)
    if _moves(spec):
        signal = keras.ops.image.affine_transform(
            signal,
            _affine(tf.shape(signal), spec, seeds[0]),
            fill_mode=spec.fill_mode,
            fill_value=spec.fill_value,
            data_format="channels_last",
        )
    if limits is not None:
        signal = _noisy(signal, spec, limits, seeds[1:])
    return tf.ensure_shape(signal[..., 0] if grey else signal, images.shape)


def _moves(spec: AugmentationSpec) -> bool:
    still = (spec.rotation_degrees, spec.shift, spec.zoom, spec.shear, spec.horizontal_flip, spec.vertical_flip)
    return any(still) or spec.crop < 1


def _affine(shape: Any, spec: AugmentationSpec, seed: Any) -> Any:
    """[rows, 8], as keras.ops.image.affine_transform reads it: where in the image each place of the answer looks."""
    rows, height, width = shape[0], tf.cast(shape[1], tf.float32), tf.cast(shape[2], tf.float32)
    draw = iter(tf.unstack(tf.random.stateless_uniform([8, rows], seed, -1, 1)))
    angle = next(draw) * math.radians(spec.rotation_degrees)
    shear, scale = next(draw) * spec.shear, (1 + next(draw) * spec.zoom) * spec.crop
    across = scale * _flipped(next(draw), chosen=spec.horizontal_flip)
    down = scale * _flipped(next(draw), chosen=spec.vertical_flip)
    a, b = tf.cos(angle) * across, (tf.cos(angle) * shear - tf.sin(angle)) * down
    c, d = tf.sin(angle) * across, (tf.sin(angle) * shear + tf.cos(angle)) * down
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    play_x = spec.shift * width + (1 - spec.crop) * middle_x  # as far as a window can move inside the image
    play_y = spec.shift * height + (1 - spec.crop) * middle_y
    x = middle_x - a * middle_x - b * middle_y + next(draw) * play_x
    y = middle_y - c * middle_x - d * middle_y + next(draw) * play_y
    return tf.stack([a, b, x, c, d, y, tf.zeros_like(a), tf.zeros_like(a)], axis=1)


def _flipped(drawn: Any, *, chosen: bool) -> Any:
    return tf.where(drawn < 0, -1.0, 1.0) if chosen else tf.ones_like(drawn)


def _noisy(signal: Any, spec: AugmentationSpec, limits: tuple[float, float], seeds: Any) -> Any:
    low, high = limits
    if spec.white_noise:
        noise = tf.random.stateless_normal(tf.shape(signal), seeds[0], stddev=spec.white_noise * (high - low))
        signal = tf.clip_by_value(signal + noise, low, high)
    if spec.salt_and_pepper:
        # one draw a pixel, for all its channels: salt is white, not red
        drawn = tf.random.stateless_uniform(tf.shape(signal[..., :1]), seeds[1])
        signal = tf.where(drawn < spec.salt_and_pepper / 2, low, signal)
        signal = tf.where(drawn > 1 - spec.salt_and_pepper / 2, high, signal)
    return signal
