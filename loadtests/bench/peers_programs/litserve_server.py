"""LitServe with the SavedModel: its own batching, one worker. usage: litserve_server.py SAVED_MODEL PORT"""

import sys
from typing import Any

import litserve
import numpy as np
import tensorflow as tf
from fastapi import Request


class Dense(litserve.LitAPI):
    """Rows of 784 numbers in, a probability for each of ten classes out."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe's signature
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        self.call = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]

    def decode_request(self, request: Request) -> Any:  # LitServe reads the annotation and hands over parsed JSON
        return np.asarray(request["instances"][0], np.float32)

    def predict(self, pictures: Any) -> Any:
        return self.call(image=tf.constant(pictures))["probabilities"].numpy()

    def encode_response(self, probabilities: Any) -> Any:
        return {"predictions": [probabilities.tolist()]}


if __name__ == "__main__":
    # 5 ms is LitServe's own example; with 0 it does not wait and batches nothing
    server = litserve.LitServer(Dense(max_batch_size=64, batch_timeout=0.005), accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(sys.argv[2]), log_level="error", generate_client_file=False)
