"""A model server that has nothing of ours: TensorFlow's own runtime behind TensorFlow Serving's own servicer classes.

usage: reference_server.py FOLDER [--zoo]

Serves every FOLDER/<model>/<version>, one port for each form of answers, and prints {"content": port, "lists": port,
"short": port} as JSON once they are loaded. `--zoo` writes the zoo of SavedModels into FOLDER first.
"""

import importlib
import json
import sys
import time
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

AVAILABLE, END = 30, 50
TYPED_LISTS = {
    tf.float32: "float_val",
    tf.float64: "double_val",
    tf.int32: "int_val",
    tf.uint8: "int_val",
    tf.string: "string_val",
    tf.int64: "int64_val",
    tf.bool: "bool_val",
    tf.float16: "half_val",
}


def content(tensor: tf.Tensor) -> Any:
    """As `--enable_serialization_as_tensor_content` sends it; strings as their lengths, then their bytes."""
    made = tf.make_tensor_proto(tensor.numpy(), tensor.dtype, tensor.shape)
    if tensor.dtype == tf.string:
        values = tensor.numpy().reshape(-1).tolist()
        made.ClearField("string_val")
        made.tensor_content = bytes(len(value) for value in values) + b"".join(values)  # a varint each: all under 128
    return made


def lists(tensor: tf.Tensor) -> Any:
    made = tf.make_tensor_proto(tensor.numpy(), tensor.dtype, tensor.shape)
    values = tensor.numpy().reshape(-1)
    if tensor.dtype == tf.float16:
        values = values.view(np.uint16)
    for field in ("tensor_content", *set(TYPED_LISTS.values())):
        made.ClearField(field)
    getattr(made, TYPED_LISTS[tensor.dtype]).extend(values.tolist())
    return made


def short(tensor: tf.Tensor) -> Any:
    """Without the values at the end that repeat the one before, as TensorFlow compresses its constants."""
    made = lists(tensor)
    values = getattr(made, TYPED_LISTS[tensor.dtype])
    while len(values) > 1 and values[-1] == values[-2]:
        del values[-1]
    return made


FORMS = {"content": content, "lists": lists, "short": short}


class Models:
    def __init__(self, folder: Path) -> None:
        self.loaded: dict[str, dict[int, Any]] = {}
        self.failed: dict[str, dict[int, str]] = {}
        for path in sorted(folder.glob("*/[0-9]*")):
            model, version = path.parent.name, int(path.name)
            try:
                self.loaded.setdefault(model, {})[version] = tf.saved_model.load(str(path))
            except Exception as error:  # noqa: BLE001 - whatever TensorFlow raises is the reason
                self.failed.setdefault(model, {})[version] = str(error)

    def find(self, spec: Any, context: Any) -> tuple[int, Any]:
        versions = self.loaded.get(spec.name, {})
        version = spec.version.value or max(versions, default=0)
        if version not in versions:
            context.abort(
                grpc.StatusCode.NOT_FOUND, f"Servable not found for request: Specific({spec.name}, {version})"
            )
        return version, versions[version]


class Prediction(prediction_service_pb2_grpc.PredictionServiceServicer):  # type: ignore[misc] # comes without types
    def __init__(self, models: Models, form: str) -> None:
        self.models = models
        self.form = FORMS[form]

    def Predict(self, request: Any, context: Any) -> Any:  # noqa: N802 - the servicer's own name
        version, model = self.models.find(request.model_spec, context)
        name = request.model_spec.signature_name or "serving_default"
        signature = model.signatures[name]
        given = {key: tf.constant(tf.make_ndarray(proto)) for key, proto in request.inputs.items()}
        try:
            outputs = signature(**given)
        except tf.errors.InvalidArgumentError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, error.message)
        answer = predict_pb2.PredictResponse()
        answer.model_spec.name, answer.model_spec.signature_name = request.model_spec.name, name
        answer.model_spec.version.value = version
        for key, tensor in outputs.items():
            answer.outputs[key].CopyFrom(self.form(tensor))
        return answer

    def GetModelMetadata(self, request: Any, context: Any) -> Any:  # noqa: N802 - the servicer's own name
        version, model = self.models.find(request.model_spec, context)
        answer, definitions = (
            get_model_metadata_pb2.GetModelMetadataResponse(),
            get_model_metadata_pb2.SignatureDefMap(),
        )
        answer.model_spec.name = request.model_spec.name
        answer.model_spec.version.value = version
        for name, function in model.signatures.items():
            definition = definitions.signature_def[name]
            for into, specs in (
                (definition.inputs, function.structured_input_signature[1]),
                (definition.outputs, function.structured_outputs),
            ):
                for key, spec in specs.items():
                    into[key].name = key
                    into[key].dtype = spec.dtype.as_datatype_enum
                    into[key].tensor_shape.CopyFrom(spec.shape.as_proto())
        answer.metadata["signature_def"].Pack(definitions)
        return answer


class States(model_service_pb2_grpc.ModelServiceServicer):  # type: ignore[misc] # comes without types
    def __init__(self, models: Models) -> None:
        self.models = models

    def GetModelStatus(self, request: Any, context: Any) -> Any:  # noqa: N802 - the servicer's own name
        name = request.model_spec.name
        loaded, failed = self.models.loaded.get(name, {}), self.models.failed.get(name, {})
        if not loaded and not failed:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Could not find any versions of model {name}")
        answer = get_model_status_pb2.GetModelStatusResponse()
        for version in loaded:
            answer.model_version_status.add(version=version, state=AVAILABLE)
        for version, reason in failed.items():
            status = answer.model_version_status.add(version=version, state=END).status
            status.error_code, status.error_message = 13, reason
        return answer


def serve(models: Models, form: str) -> tuple[Any, int]:
    server = grpc.server(futures.ThreadPoolExecutor(4))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Prediction(models, form), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(States(models), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def main(folder: Path, *, zoo: bool) -> None:
    if zoo:
        importlib.import_module("saved_model_zoo").main(folder)  # the caller puts its folder on the path
    models = Models(folder)
    running = {form: serve(models, form) for form in FORMS}
    sys.stdout.write(json.dumps({form: port for form, (_, port) in running.items()}) + "\n")
    sys.stdout.flush()
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main(Path(sys.argv[1]), zoo="--zoo" in sys.argv)
