"""BentoML with the SavedModel: its own batching, one worker.

usage: bentoml serve bentoml_service:Dense, with the SavedModel's folder in the environment as BENCH_SAVED_MODEL
"""

import os

import bentoml
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray


@bentoml.service(workers=1, traffic={"timeout": 30}, logging={"access": {"enabled": False}})
class Dense:
    """Rows of 784 numbers in, a probability for each of ten classes out."""

    def __init__(self) -> None:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        self.call = tf.saved_model.load(os.environ["BENCH_SAVED_MODEL"]).signatures["serving_default"]

    @bentoml.api(batchable=True, max_batch_size=64, max_latency_ms=1000)
    def predict(self, instances: np.ndarray) -> np.ndarray:
        pictures = np.asarray(instances, np.float32)
        probabilities: NDArray[np.float32] = self.call(image=tf.constant(pictures))["probabilities"].numpy()
        return probabilities
