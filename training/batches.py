"""Rows to the batches that fitting and predicting take: tf.data, whose work runs beside the model's.

Rows in memory are kept as constants, and a batch is gathered by row number: shuffling moves numbers, not rows.
"""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from serving.contract.tensors import Array
from training.data.dataset import Rows


def as_tensors(columns: Mapping[str, Array]) -> dict[str, Any]:
    """Columns as Keras's `predict` takes them: it has no way in for numpy's strings, only for TensorFlow's."""
    return {name: tf.constant(column) for name, column in columns.items()}


def training_batches(rows: Rows, batch_rows: int, seed: int) -> Any:
    """A tf.data.Dataset of (inputs, target), every row once an epoch, in another order each time; same seed, same
    orders.
    """
    order = tf.data.Dataset.range(len(rows)).shuffle(len(rows), seed=seed, reshuffle_each_iteration=True)
    return _gathered(order.batch(batch_rows), rows)


def measuring_batches(rows: Rows, batch_rows: int) -> Any:
    """A tf.data.Dataset of (inputs, target), every row once, in order."""
    return _gathered(tf.data.Dataset.range(len(rows)).batch(batch_rows), rows)


def _gathered(numbers: Any, rows: Rows) -> Any:
    inputs, target = as_tensors(rows.inputs), tf.constant(rows.target)

    def gather(chosen: Any) -> tuple[dict[str, Any], Any]:
        return {name: tf.gather(column, chosen) for name, column in inputs.items()}, tf.gather(target, chosen)

    return numbers.map(gather).prefetch(2)
