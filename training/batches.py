"""Rows to the batches that fitting and predicting take: tf.data, whose work runs beside the model's.

Rows in memory are kept as constants, and a batch is gathered by row number: shuffling moves numbers, not rows.
"""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from serving.contract.tensors import Array
from training.data.dataset import Rows


def as_tensors(columns: Mapping[str, Array]) -> dict[str, Any]:
    """Columns as Keras's `predict` takes them: it has no way in for numpy's strings, only for TensorFlow's."""
    return {name: tf.constant(column) for name, column in columns.items()}


def training_batches(
    rows: Rows, batch_rows: int, seed: int, augment: Callable[[Mapping[str, Any], Any], dict[str, Any]] | None = None
) -> Any:
    """A tf.data.Dataset of (inputs, target), every row once an epoch, in another order each time; same seed, same
    orders. `augment` varies each batch's inputs, by a seed of the batch's own.
    """
    order = tf.data.Dataset.range(len(rows)).shuffle(len(rows), seed=seed, reshuffle_each_iteration=True)
    batches = _gathered(order.batch(batch_rows), rows)
    return (_augmented(batches, augment, seed) if augment else batches).prefetch(2)


def measuring_batches(rows: Rows, batch_rows: int) -> Any:
    """A tf.data.Dataset of (inputs, target), every row once, in order."""
    return _gathered(tf.data.Dataset.range(len(rows)).batch(batch_rows), rows).prefetch(2)


def _gathered(numbers: Any, rows: Rows) -> Any:
    inputs, target = as_tensors(rows.inputs), tf.constant(rows.target)

    def gather(chosen: Any) -> tuple[dict[str, Any], Any]:
        return {name: tf.gather(column, chosen) for name, column in inputs.items()}, tf.gather(target, chosen)

    return numbers.map(gather)


def _augmented(batches: Any, augment: Callable[[Mapping[str, Any], Any], dict[str, Any]], seed: int) -> Any:
    # a seed drawn for each batch, not by each: whichever is ready first, it is the same batch
    seeds = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).batch(2, drop_remainder=True)
    return tf.data.Dataset.zip(batches, seeds).map(
        lambda batch, own_seed: (augment(batch[0], own_seed), batch[1]),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )
