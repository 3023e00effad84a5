"""Classify, Regress and MultiInference: lists of tf.Example through the signatures that take them serialized.

A version exported by `penstock train` has `classify` or `regress`; others are asked through the signature they name.
"""

import asyncio
import functools
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from serving.backends.tensorflow_messages import message_module
from serving.catalog import ModelReference, Servable
from serving.contract.agreement import DEFAULT_SIGNATURE
from serving.contract.features import Feature
from serving.contract.tensors import Array
from serving.errors import BackendRejected, InvalidInput
from serving.grpc.calls import TOGETHER_BYTES, Call, Calls
from serving.grpc.model_spec import check_signature, fill_spec, reference_of
from serving.predict import Predictor
from serving.prediction import Prediction, PredictRequest
from serving.preprocessing.columns import decode_column
from serving.signature_plan import takes_examples


@dataclass(frozen=True, slots=True)
class ExampleCalls:
    predictor: Predictor
    calls: Calls

    async def classify(self, request: Any, call: Call) -> Any:
        answer = message_module("tensorflow_serving.apis.classification_pb2").ClassificationResponse()
        self.calls.named(call, request.model_spec.name)
        await self._run(
            _Task("classify", request.model_spec, "/model_spec", request.input), call, answer, answer.result
        )
        return answer

    async def regress(self, request: Any, call: Call) -> Any:
        answer = message_module("tensorflow_serving.apis.regression_pb2").RegressionResponse()
        self.calls.named(call, request.model_spec.name)
        await self._run(_Task("regress", request.model_spec, "/model_spec", request.input), call, answer, answer.result)
        return answer

    async def multi_inference(self, request: Any, call: Call) -> Any:
        """Several tasks on one input, as TensorFlow Serving has it: one model, each task another signature."""
        if not request.tasks:
            raise InvalidInput("no tasks; at least one is expected", pointer="/tasks")
        if len({task.model_spec.name for task in request.tasks}) > 1:
            raise InvalidInput("the tasks name several models; all must name one", pointer="/tasks")
        self.calls.named(call, request.tasks[0].model_spec.name)
        call.together = secrets.token_bytes(TOGETHER_BYTES)
        answer = message_module("tensorflow_serving.apis.inference_pb2").MultiInferenceResponse()
        running = []
        for index, task in enumerate(request.tasks):
            kind = METHOD_NAMES.get(task.method_name)
            if kind is None:
                reason = f"method {task.method_name[:64]!r}; there are {' and '.join(METHOD_NAMES)}"
                raise InvalidInput(reason, pointer=f"/tasks/{index}/method_name")
            one = _Task(kind, task.model_spec, f"/tasks/{index}/model_spec", request.input)
            answered = answer.results.add()
            result = answered.classification_result if kind == "classify" else answered.regression_result
            running.append((one, call, answered, result))
        ended = await asyncio.gather(*(self._run(*each) for each in running), return_exceptions=True)
        for failure in ended:
            if failure is not None:
                raise failure
        return answer

    async def _run(self, task: "_Task", call: Call, answer: Any, result: Any) -> None:
        """Fills `result`, and the `model_spec` of the `answer` it is in."""
        reference = self.predictor.chosen(reference_of(task.spec, task.pointer), call)
        signature = self._signature(task, reference)
        decode = functools.partial(
            _single_input,
            serialized_examples(task.given),
            f"/input/{task.given.WhichOneof('kind')}/examples",
            f"{task.pointer}/signature_name",
        )
        # never dear: the examples are bytes already, and looking into one takes microseconds
        request = PredictRequest(
            reference,
            signature,
            decode,
            dear=False,
            deadline_seconds=call.deadline_seconds,
            lane=call.lane,
            tenant=call.caller,
            charge=call.charge,
        )
        prediction = await self.predictor.predict(request)
        call.answered_by(prediction, signature)
        FILL[task.kind](result, prediction, signature)
        fill_spec(answer.model_spec, reference.model, prediction.servable.version, signature)

    def _signature(self, task: "_Task", reference: ModelReference) -> str:
        """The one named, if any. `serving_default` on a version where that takes no examples names none: it is what
        TensorFlow Serving's clients fill in.
        """
        servable = self.predictor.catalog.view.resolve(reference)
        named = task.spec.signature_name
        if named and (named != DEFAULT_SIGNATURE or _has_examples(servable, named)):
            check_signature(servable, named, task.pointer)
            return str(named)
        if task.kind in servable.signatures:
            return task.kind
        if _has_examples(servable, DEFAULT_SIGNATURE):
            return DEFAULT_SIGNATURE
        raise InvalidInput(
            f"the version has no signature for {task.kind}; it has {', '.join(sorted(servable.signatures))}",
            pointer=f"{task.pointer}/signature_name",
        )


@dataclass(frozen=True, slots=True)
class _Task:
    """`kind` of question (classify or regress) to what the ModelSpec `spec` names; `pointer` is where that stood."""

    kind: str
    spec: Any
    pointer: str
    given: Any


def _has_examples(servable: Servable, signature: str) -> bool:
    return signature in servable.signatures and takes_examples(servable.signatures[signature])


def serialized_examples(given: Any) -> list[bytes]:
    """Each example's bytes, the context's before its own: where both have a feature, the example's counts, for the
    later entry of a protobuf map wins. Raises InvalidInput when there is none.
    """
    kind = given.WhichOneof("kind")
    if kind is None:
        raise InvalidInput("no examples; an example_list is expected", pointer="/input")
    listed = getattr(given, kind)
    context = listed.context.SerializeToString() if kind == "example_list_with_context" else b""
    rows = [context + example.SerializeToString() for example in listed.examples]
    if not rows:
        raise InvalidInput("no examples; at least one is expected", pointer=f"/input/{kind}/examples")
    return rows


def _single_input(
    rows: Sequence[bytes], rows_at: str, signature_at: str, features: Sequence[Feature]
) -> dict[str, Array]:
    """The two pointers say where the examples stand and where the signature was named."""
    if len(features) != 1 or features[0].dtype != "string" or features[0].row_shape != ():
        raise InvalidInput("this signature does not take tf.Example; ask it with Predict", pointer=signature_at)
    return {features[0].name: decode_column(features[0], rows, lambda row: f"{rows_at}/{row}")}


def _fill_classes(result: Any, prediction: Prediction, signature: str) -> None:
    """`classes` [rows, K] and `scores` [rows, K], either of which may be absent, as in TensorFlow Serving."""
    labels, scores = prediction.outputs.get("classes"), prediction.outputs.get("scores")
    given = [array for array in (labels, scores) if array is not None]
    if not given or any(array.ndim != 2 or array.shape != given[0].shape for array in given):
        raise BackendRejected(
            f"signature {signature} does not answer with `classes` and `scores` of one shape [rows, K]"
        )
    rows, count = given[0].shape
    names = labels.tolist() if labels is not None else [[b""] * count] * rows
    values = scores.tolist() if scores is not None else [[0.0] * count] * rows
    for row_names, row_values in zip(names, values, strict=True):
        classes = result.classifications.add().classes
        for name, value in zip(row_names, row_values, strict=True):
            classes.add(label=name.decode("utf-8", "replace"), score=value)


def _fill_values(result: Any, prediction: Prediction, signature: str) -> None:
    values = prediction.outputs.get("outputs")
    if values is None or values.ndim not in (1, 2) or values.size != len(values):
        raise BackendRejected(f"signature {signature} does not answer with `outputs`, one number a row")
    for value in values.reshape(-1).tolist():
        result.regressions.add(value=value)


METHOD_NAMES: Mapping[str, str] = MappingProxyType(
    {"tensorflow/serving/classify": "classify", "tensorflow/serving/regress": "regress"}
)
FILL: Mapping[str, Callable[[Any, Prediction, str], None]] = MappingProxyType(
    {"classify": _fill_classes, "regress": _fill_values}
)
