"""Writes the model that the storms ask: `doubles`, which answers y = 2x, as TensorFlow loads it.

usage: python export_doubles.py MODELS     (a process of its own: it loads TensorFlow)
The two of 2x stands in the variables, and SHIFT in the graph, added and taken away: damage to either file shows in y.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

import tensorflow as tf

from serving.model_store.publishing import publish
from serving.model_store.staging import staging
from tests.doubles import doubles_manifest
from tests.integration.chaos.export_shift import SHIFT


class Doubles(tf.Module):  # type: ignore[misc] # TensorFlow comes without types
    def __init__(self) -> None:
        super().__init__()
        self.two = tf.Variable(2.0)
        self.shift = tf.Variable(SHIFT)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])  # type: ignore[untyped-decorator] # as above
    def doubled(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"value": (x * self.two + tf.constant(SHIFT) - self.shift)[:, None]}


def main(models: Path) -> None:
    module = Doubles()
    with staging(models, "doubles") as staged:
        tf.saved_model.save(module, str(staged.root), {"serving_default": module.doubled.get_concrete_function()})
        publish(models, staged, doubles_manifest(), by="test", reason="made", now=datetime.now(UTC))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
