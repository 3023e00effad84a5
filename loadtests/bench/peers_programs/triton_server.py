"""Triton's Python wheel with the SavedModel: PyTriton and its dynamic batching.

usage: triton_server.py SAVED_MODEL PORT
"""

import sys
from typing import Any

import numpy as np
import tensorflow as tf
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
call = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]


@batch
def predict(image: Any) -> dict[str, Any]:
    """Rows of 784 numbers in, a probability for each of ten classes out."""
    return {"probabilities": call(image=tf.constant(image))["probabilities"].numpy()}


if __name__ == "__main__":
    config = TritonConfig(
        http_address="127.0.0.1",
        http_port=int(sys.argv[2]),
        allow_grpc=False,
        allow_metrics=False,
        log_verbose=0,
    )
    with Triton(config=config) as triton:
        triton.bind(
            model_name="dense",
            infer_func=predict,
            inputs=[Tensor(name="image", dtype=np.float32, shape=(784,))],
            outputs=[Tensor(name="probabilities", dtype=np.float32, shape=(10,))],
            config=ModelConfig(max_batch_size=64, batcher=DynamicBatcher()),
        )
        triton.serve()
