"""`tensorflow.serving.PredictionService`: Predict and GetModelMetadata; Classify, Regress and MultiInference by
`example_calls.py`.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from serving.backends.tensorflow_messages import message_module
from serving.contract.agreement import DEFAULT_SIGNATURE
from serving.contract.features import Feature
from serving.contract.tensors import NUMPY_DTYPES, Array, Signature, TensorSpec
from serving.errors import InvalidInput
from serving.grpc.calls import Call, Calls
from serving.grpc.example_calls import ExampleCalls
from serving.grpc.model_spec import check_signature, fill_spec, reference_of
from serving.grpc.named_arrays import chosen_outputs, decode_named
from serving.grpc.service import MethodOf, Service
from serving.grpc.tensor_values import DTYPE_NUMBERS, STRING, array_of, fill_tensor, is_larger
from serving.predict import Predictor
from serving.prediction import PredictRequest
from serving.preprocessing.arrays import pointer_token

NAME = "tensorflow.serving.PredictionService"
PROTOCOL = "grpc_tfs"
INLINE_BYTES = 256 * 1024
"""Requests up to this are decoded at once: under a millisecond or two, less than a thread is worth."""
SMALLEST_IMAGE_BYTES = 57
"""A PNG's signature, header and end. From here on a string may be millions of pixels, so a thread decodes it."""


@dataclass(frozen=True, slots=True)
class PredictionService:
    predictor: Predictor
    calls: Calls
    max_tensor_bytes: int
    as_content: bool
    """Whether answers carry `tensor_content`; TensorFlow Serving's --enable_serialization_as_tensor_content."""

    def service(self) -> Service:
        classification = message_module("tensorflow_serving.apis.classification_pb2")
        regression = message_module("tensorflow_serving.apis.regression_pb2")
        inference = message_module("tensorflow_serving.apis.inference_pb2")
        predict = message_module("tensorflow_serving.apis.predict_pb2")
        metadata = message_module("tensorflow_serving.apis.get_model_metadata_pb2")
        message_module("tensorflow_serving.apis.prediction_service_pb2")  # the service itself, for reflection to find
        examples = ExampleCalls(self.predictor, self.calls)
        return Service(
            NAME,
            PROTOCOL,
            {
                "Predict": MethodOf(predict.PredictRequest, functools.partial(self.predict, predict.PredictResponse)),
                "GetModelMetadata": MethodOf(metadata.GetModelMetadataRequest, self.metadata, counted=False),
                "Classify": MethodOf(classification.ClassificationRequest, examples.classify),
                "Regress": MethodOf(regression.RegressionRequest, examples.regress),
                "MultiInference": MethodOf(inference.MultiInferenceRequest, examples.multi_inference),
            },
        )

    async def predict(self, response: Any, request: Any, call: Call) -> Any:
        spec = request.model_spec
        reference = reference_of(spec)
        self.calls.named(call, reference.model)
        signature = spec.signature_name or DEFAULT_SIGNATURE
        if signature != DEFAULT_SIGNATURE:
            reference = self.predictor.chosen(reference, call)
            check_signature(self.predictor.catalog.view.resolve(reference), signature)
        inputs = request.inputs
        decode = functools.partial(decode_tensors, inputs, self.max_tensor_bytes)
        prediction = await self.predictor.predict(
            PredictRequest(
                reference,
                signature,
                decode,
                is_dear(inputs),
                call.deadline_seconds,
                lane=call.lane,
                tenant=call.caller,
                asker=call,
                charge=call.charge,
            )
        )
        call.answered_by(prediction, signature)
        started = self.calls.clock()
        wanted = list(request.output_filter)
        pointers = [f"/output_filter/{index}" for index in range(len(wanted))]
        names = chosen_outputs(prediction.servable.signatures[signature].outputs, wanted, pointers)
        answer = response()
        fill_spec(answer.model_spec, reference.model, prediction.servable.version, signature)
        for name in names:
            fill_tensor(answer.outputs[name], prediction.outputs[name], as_content=self.as_content)
        call.encode_seconds = self.calls.clock() - started
        return answer

    async def metadata(self, request: Any, call: Call) -> Any:
        reference = reference_of(request.model_spec)
        self.calls.named(call, reference.model)
        if not request.metadata_field:
            raise InvalidInput("no metadata field is named; there is `signature_def`", pointer="/metadata_field")
        for index, field in enumerate(request.metadata_field):
            if field != "signature_def":
                raise InvalidInput(
                    f"no metadata field {field[:64]!r}; there is `signature_def`", pointer=f"/metadata_field/{index}"
                )
        servable = self.predictor.catalog.view.resolve(reference)
        module = message_module("tensorflow_serving.apis.get_model_metadata_pb2")
        answer, definitions = module.GetModelMetadataResponse(), module.SignatureDefMap()
        answer.model_spec.name = servable.model
        answer.model_spec.version.value = servable.version
        for name, signature in servable.signatures.items():
            _fill_signature(definitions.signature_def[name], signature)
        answer.metadata["signature_def"].Pack(definitions)
        return answer


def decode_tensors(tensors: Mapping[str, Any], max_bytes: int, features: Sequence[Feature]) -> dict[str, Array]:
    """A request's TensorProtos to the arrays a version takes. Raises InvalidInput's family, pointers under /inputs."""
    pointers = {name: f"/inputs/{pointer_token(name[:64])}" for name in tensors}
    arrays = {name: array_of(tensor, pointers[name], max_bytes) for name, tensor in tensors.items()}
    return decode_named(arrays, features, pointers)


def is_dear(tensors: Mapping[str, Any]) -> bool:
    """Whether decoding may take longer than the event loop should stand still."""
    for tensor in tensors.values():
        if is_larger(tensor, INLINE_BYTES):
            return True
        if tensor.dtype == STRING and any(len(value) >= SMALLEST_IMAGE_BYTES for value in tensor.string_val):
            return True
    return False


def _fill_signature(definition: Any, signature: Signature) -> None:
    definition.method_name = "tensorflow/serving/predict"  # what TensorFlow 2's exports say of every signature
    for spec in signature.inputs:
        _fill_info(definition.inputs[spec.name], spec)
    for spec in signature.outputs:
        _fill_info(definition.outputs[spec.name], spec)


def _fill_info(info: Any, spec: TensorSpec) -> None:
    info.name = spec.name
    info.dtype = DTYPE_NUMBERS[NUMPY_DTYPES[spec.dtype]]
    for size in (None, *spec.row_shape):
        info.tensor_shape.dim.add(size=-1 if size is None else size)
