"""Warm-up records: requests that a model server answers to itself before the version takes traffic.

TensorFlow Serving's own format (`assets.extra/tf_serving_warmup_requests`, a TFRecord of PredictionLog), read by the
embedded backend too. https://www.tensorflow.org/tfx/serving/saved_model_warmup
"""

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import model_pb2, predict_pb2, prediction_log_pb2

from serving.contract.agreement import DEFAULT_SIGNATURE
from serving.contract.model_directory import VersionPaths
from serving.contract.tensors import Array
from serving.contract.tfrecord import tfrecord

BATCH_ROWS = (1, 8, 64)
"""One row, a usual batch, a large one. A CPU compiles nothing per size; this grows thread pools and arenas."""


def write_warmup(
    staged: VersionPaths, model: str, inputs: Mapping[str, Array], allowed_batch_rows: Sequence[int] = ()
) -> None:
    """One Predict request of `serving_default` for each of `allowed_batch_rows`, all of which then are compiled before
    a caller waits; of BATCH_ROWS where any number is allowed. Filled with real rows from `inputs`.
    """
    staged.extra.mkdir(exist_ok=True)
    with staged.warmup_records.open("wb") as file:
        for rows in allowed_batch_rows or BATCH_ROWS:
            file.write(tfrecord(_record(model, inputs, rows).SerializeToString()))


def _record(model: str, inputs: Mapping[str, Array], rows: int) -> prediction_log_pb2.PredictionLog:
    request = predict_pb2.PredictRequest(
        model_spec=model_pb2.ModelSpec(name=model, signature_name=DEFAULT_SIGNATURE),
        inputs={name: tf.make_tensor_proto(_first(column, rows)) for name, column in inputs.items()},
    )
    return prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))


def _first(column: Array, rows: int) -> Array:
    first: Array = column[np.arange(rows) % len(column)]
    return first
