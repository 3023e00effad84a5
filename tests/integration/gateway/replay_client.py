"""An app of TensorFlow's: reads a recording with the real TensorFlow, sends each request through TensorFlow Serving's
stubs, and prints what it read and what was answered, as JSON. Nothing of ours.

usage: replay_client.py FILE ADDRESS
"""

import json
import sys

import grpc
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2, prediction_service_pb2_grpc

path, address = sys.argv[1:]
with grpc.insecure_channel(address) as channel:
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    sent = []
    for record in tf.data.TFRecordDataset(path):
        request = prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
        answer = stub.Predict(request, timeout=30)
        sent.append(
            {
                "model": request.model_spec.name,
                "inputs": {name: tf.make_ndarray(each).tolist() for name, each in request.inputs.items()},
                "outputs": {name: tf.make_ndarray(each).tolist() for name, each in answer.outputs.items()},
            }
        )
print(json.dumps(sent))  # noqa: T201 - a program that prints
