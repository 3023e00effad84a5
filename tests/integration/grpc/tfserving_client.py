"""An app of TensorFlow Serving's: its stubs and nothing of ours. Prints what it got, as JSON.

usage: tfserving_client.py ADDRESS
"""

import importlib.util
import json
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import grpc
import numpy as np

# The generated messages only need the package's folder on the path; `import tensorflow` would cost ten seconds.
_found = importlib.util.find_spec("tensorflow")
assert _found
assert _found.submodule_search_locations
_bare = ModuleType("tensorflow")
_bare.__path__ = list(_found.submodule_search_locations)
sys.modules["tensorflow"] = _bare


def module(name: str) -> Any:
    return importlib.import_module(name)


predict_pb2 = module("tensorflow_serving.apis.predict_pb2")
classification_pb2 = module("tensorflow_serving.apis.classification_pb2")
regression_pb2 = module("tensorflow_serving.apis.regression_pb2")
inference_pb2 = module("tensorflow_serving.apis.inference_pb2")
metadata_pb2 = module("tensorflow_serving.apis.get_model_metadata_pb2")
status_pb2 = module("tensorflow_serving.apis.get_model_status_pb2")
management_pb2 = module("tensorflow_serving.apis.model_management_pb2")
prediction_grpc = module("tensorflow_serving.apis.prediction_service_pb2_grpc")
model_grpc = module("tensorflow_serving.apis.model_service_pb2_grpc")

PATIENT = {"age": 59, "sex": 2, "bmi": 32.1, "bp": 101, "s1": 157, "s2": 93.2, "s3": 38, "s4": 4, "s5": 4.86, "s6": 87}


def filled(proto: Any, dtype: int, shape: tuple[int, ...], **values: Any) -> None:
    proto.dtype = dtype
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    proto.MergeFrom(type(proto)(**values))


def digits(rows: int = 2, *, model: str = "digits", **spec: Any) -> Any:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    for name, value in spec.items():
        if name == "version":
            request.model_spec.version.value = value
        else:
            setattr(request.model_spec, name, value)
    content = np.arange(rows * 64, dtype=np.float32) % 17
    filled(request.inputs["image"], 1, (rows, 8, 8), tensor_content=content.tobytes())
    return request


def patients(rows: int, dtype: int, typed: str) -> Any:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "diabetes"
    for name, value in PATIENT.items():
        number = int(value) if "int" in typed else value
        filled(request.inputs[name], dtype, (rows,), **{typed: [number]})
    return request


def example(into: Any, values: dict[str, float]) -> None:
    for name, value in values.items():
        into.features.feature[name].float_list.value.append(value)


def classes_of(result: Any) -> list[list[Any]]:
    return [[[each.label, each.score] for each in row.classes] for row in result.classifications]


def spec_of(spec: Any) -> list[Any]:
    return [spec.name, spec.version.value, spec.signature_name]


def refused(ask: Callable[[Any], Any], request: Any, **options: Any) -> list[str]:
    try:
        ask(request, **options)
    except grpc.RpcError as error:
        metadata = dict(error.trailing_metadata() or ())
        return [
            error.code().name,
            str(metadata.get("x-error-field", "")),
            error.details(),
            *([] if metadata.get("x-request-id") else ["no id"]),
        ]
    return ["OK"]


def predictions(stub: Any) -> dict[str, Any]:
    answer, call = stub.Predict.with_call(digits(), metadata=(("x-request-id", "mine-1"),))
    by_version = stub.Predict(digits(version=1, signature_name="serving_default"))
    integers = predict_pb2.PredictRequest()
    integers.model_spec.name = "digits"
    filled(integers.inputs["image"], 3, (2, 8, 8), int_val=[number % 17 for number in range(128)])
    chosen = digits()
    chosen.output_filter.append("probabilities")
    return {
        "spec": spec_of(answer.model_spec),
        "names": list(answer.outputs),
        "shape": [dimension.size for dimension in answer.outputs["probabilities"].tensor_shape.dim],
        "values": list(answer.outputs["probabilities"].float_val),
        "by_version": list(by_version.outputs["probabilities"].float_val),
        "integers": list(stub.Predict(integers).outputs["probabilities"].float_val),
        "chosen": list(stub.Predict(chosen).outputs),
        "metadata": dict(call.trailing_metadata()),
        "patients": list(stub.Predict(patients(3, 1, "float_val")).outputs["value"].float_val),
        "whole_numbers": list(stub.Predict(patients(1, 9, "int64_val")).outputs["value"].float_val),
    }


def examples(stub: Any) -> dict[str, Any]:
    classify = classification_pb2.ClassificationRequest()
    classify.model_spec.name = "digits"
    pixels = [float(number % 17) for number in range(64)]
    classify.input.example_list.examples.add().features.feature["image"].float_list.value.extend(pixels)
    regress = regression_pb2.RegressionRequest()
    regress.model_spec.name = "diabetes"
    listed = regress.input.example_list_with_context
    example(listed.context, PATIENT)
    example(listed.examples.add(), {})
    example(listed.examples.add(), {"bmi": 20.0})
    both = inference_pb2.MultiInferenceRequest()
    both.input.CopyFrom(regress.input)
    task = both.tasks.add(method_name="tensorflow/serving/regress")
    task.model_spec.name = "diabetes"
    wrong = inference_pb2.MultiInferenceRequest()
    wrong.CopyFrom(both)
    wrong.tasks.add(method_name="tensorflow/serving/classify").model_spec.name = "diabetes"
    answered, inferred = stub.Classify(classify), stub.MultiInference(both)
    return {
        "classes": classes_of(answered.result),
        "classify_spec": spec_of(answered.model_spec),
        "regressions": [each.value for each in stub.Regress(regress).result.regressions],
        "inferred": [each.value for each in inferred.results[0].regression_result.regressions],
        "inferred_spec": spec_of(inferred.results[0].model_spec),
        "no_classify": refused(stub.MultiInference, wrong),
        "empty": refused(stub.Classify, classification_pb2.ClassificationRequest(model_spec=classify.model_spec)),
    }


def models(stub: Any, service: Any) -> dict[str, Any]:
    ask = metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    ask.model_spec.name = "digits"
    answer = stub.GetModelMetadata(ask)
    signatures = metadata_pb2.SignatureDefMap()
    answer.metadata["signature_def"].Unpack(signatures)
    image = signatures.signature_def["serving_default"].inputs["image"]
    state = status_pb2.GetModelStatusRequest()
    state.model_spec.name = "digits"
    found = service.GetModelStatus(state).model_version_status
    same, other, custom = (management_pb2.ReloadConfigRequest() for _ in range(3))
    same.config.model_config_list.config.add(name="digits", base_path="/models/digits")
    other.config.model_config_list.config.add(name="digits").version_labels["stable"] = 9
    custom.config.custom_model_config.SetInParent()
    unknown = metadata_pb2.GetModelMetadataRequest(metadata_field=["weights"], model_spec=ask.model_spec)
    return {
        "metadata_spec": spec_of(answer.model_spec),
        "signatures": sorted(signatures.signature_def),
        "image": [image.dtype, [dimension.size for dimension in image.tensor_shape.dim]],
        "states": [[each.version, each.state, each.status.error_code] for each in found],
        "reload_same": service.HandleReloadConfigRequest(same).status.error_code,
        "reload_other": refused(service.HandleReloadConfigRequest, other),
        "reload_custom": refused(service.HandleReloadConfigRequest, custom),
        "no_field": refused(stub.GetModelMetadata, unknown),
    }


def refusals(stub: Any, service: Any) -> dict[str, Any]:
    huge, wrong_name, wrong_dtype, output = digits(), digits(), digits(), digits()
    huge.inputs["image"].Clear()
    filled(huge.inputs["image"], 1, (10**13, 8, 8), float_val=[1.0])
    filled(wrong_name.inputs["imagge"], 1, (1,), float_val=[1.0])
    wrong_dtype.inputs["image"].Clear()
    filled(wrong_dtype.inputs["image"], 10, (1, 8, 8), bool_val=[True])
    output.output_filter.append("logits")
    nameless = status_pb2.GetModelStatusRequest()
    unknown = status_pb2.GetModelStatusRequest()
    unknown.model_spec.name = "nobody"
    return {
        "model": refused(stub.Predict, digits(model="nobody")),
        "version": refused(stub.Predict, digits(version=99)),
        "label": refused(stub.Predict, digits(version_label="nightly")),
        "signature": refused(stub.Predict, digits(signature_name="sing")),
        "huge": refused(stub.Predict, huge),
        "name": refused(stub.Predict, wrong_name),
        "dtype": refused(stub.Predict, wrong_dtype),
        "output": refused(stub.Predict, output),
        "timeout": refused(stub.Predict, digits(), metadata=(("x-request-timeout-ms", "soon"),)),
        "deadline": refused(stub.Predict, digits(8_000), timeout=0.001)[:1],  # takes far longer, anywhere
        "too_large": refused(stub.Predict, digits(70_000))[:1],
        "nameless_status": refused(service.GetModelStatus, nameless),
        "unknown_status": refused(service.GetModelStatus, unknown),
    }


def main() -> None:
    with grpc.insecure_channel(sys.argv[1]) as channel:
        stub, service = prediction_grpc.PredictionServiceStub(channel), model_grpc.ModelServiceStub(channel)
        found = {
            "predict": predictions(stub),
            "examples": examples(stub),
            "models": models(stub, service),
            "refused": refusals(stub, service),
            "ours": [name for name in sys.modules if name.split(".")[0] in ("serving", "training", "penstock_client")],
        }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
