"""TensorFlow made repeatable: the same job on the same machine gives the same weights.

Threads are left to TensorFlow, which starts one for each core this process may use: a single one was no faster on
small networks, and gave the same weights.
"""

import keras
import tensorflow as tf


def make_repeatable(seed: int, *, xla: bool = False) -> None:
    """Seeds Python, numpy and TensorFlow, and forbids operations whose result depends on how threads interleave.

    Nothing is forbidden for a fit compiled by XLA, which Keras refuses beside it.
    """
    tf.get_logger().setLevel("ERROR")  # its warnings are about how TensorFlow is used, which the user cannot change
    keras.utils.set_random_seed(seed)
    if not xla:
        tf.config.experimental.enable_op_determinism()
