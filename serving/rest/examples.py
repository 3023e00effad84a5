"""`:classify` and `:regress`: JSON examples with a context they share, answered as TensorFlow Serving's REST does.

They run the signatures of those names, which take serialized tf.Example. What kind of list a value goes into is said
by the feature's dtype in the manifest, not by how the number happens to be written.
"""

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from serving.backends.tensorflow_messages import message_module
from serving.contract.agreement import DEFAULT_SIGNATURE
from serving.contract.features import Feature
from serving.contract.tensors import NUMPY_DTYPES, Array
from serving.errors import InvalidInput, WrongDtype
from serving.prediction import Prediction
from serving.preprocessing.arrays import json_name
from serving.preprocessing.records import decode_instances
from serving.rest.ask import Ask, Encode, Encoded
from serving.rest.predict_answer import jsonable
from serving.rest.predict_body import read_object, signature_of
from serving.rest.request_head import RequestHead

_KEYS = frozenset({"signature_name", "context", "examples"})
_EXAMPLE = '{"examples": [{"<feature>": <value>, ...}, ...]}'


def read_classify(_: RequestHead, body: bytes) -> Ask:
    return _read(body, "classify", class_results)


def read_regress(_: RequestHead, body: bytes) -> Ask:
    return _read(body, "regress", value_results)


def _read(body: bytes, default: str, encode: Encode) -> Ask:
    document = read_object(body, _KEYS, _EXAMPLE)
    if "examples" not in document:
        raise InvalidInput(f"the body has no `examples`; send {_EXAMPLE}")
    context = document.get("context", {})
    if not isinstance(context, dict):
        raise WrongDtype(f"`context` is {json_name(context)}; an object of features is expected", pointer="/context")
    named = signature_of(document)
    # A client of TensorFlow Serving may name its default; a published version keeps that one for `:predict`.
    signature = default if named in {"", DEFAULT_SIGNATURE} else named
    decode = functools.partial(_serialized, document["examples"], context)
    return Ask(signature, decode, encode, b'"b64"' in body, features_of=DEFAULT_SIGNATURE)


def _serialized(examples: object, context: Mapping[str, Any], features: Sequence[Feature]) -> dict[str, Array]:
    """The examples as the records that the signature's input `inputs` takes, one a row."""
    if isinstance(examples, list):
        shapes = {feature.name: feature.row_shape for feature in features}
        examples = [_shaped({**context, **row}, shapes) if isinstance(row, dict) else row for row in examples]
        for row, example in enumerate(examples):
            if not isinstance(example, dict):
                raise WrongDtype(f"{json_name(example)} where an object of features is expected",
                                 pointer=f"/examples/{row}")  # fmt: skip
    return {"inputs": _records(decode_instances(examples, features, member="examples"))}


def _shaped(example: dict[str, Any], shapes: Mapping[str, tuple[int | None, ...]]) -> dict[str, Any]:
    """tf.Example knows flat lists only: one element stands for a number, all of them in a row for what has a shape."""
    return {name: _with_shape(value, shapes[name]) if name in shapes else value for name, value in example.items()}


def _with_shape(value: object, shape: tuple[int | None, ...]) -> object:
    if not isinstance(value, list) or any(isinstance(part, list) for part in value):
        return value
    if not shape:
        return value[0] if len(value) == 1 else value
    sizes = [size for size in shape if size is not None]
    if len(sizes) == len(shape) > 1 and len(value) == math.prod(sizes):
        for size in reversed(sizes[1:]):
            value = [value[start : start + size] for start in range(0, len(value), size)]
    return value


def _records(arrays: Mapping[str, Array]) -> Array:
    """tf.Example's three kinds of list by the arrays' dtypes, whatever the JSON's numbers looked like."""
    example = message_module("tensorflow.core.example.example_pb2").Example
    rows = len(next(iter(arrays.values())))
    records: Array = np.empty(rows, NUMPY_DTYPES["string"])
    for row in range(rows):
        record = example()
        for name, array in arrays.items():
            feature = record.features.feature[name]
            given = array[row]
            values = np.ravel(given).tolist() if isinstance(given, np.ndarray) else [given]
            dtype = getattr(given, "dtype", array.dtype)  # of rows that differ in length, each has its own array
            if dtype.kind == "O":
                feature.bytes_list.value.extend(values)
            elif dtype.kind == "f":
                feature.float_list.value.extend(values)
            else:
                feature.int64_list.value.extend(map(int, values))
        records[row] = record.SerializeToString(deterministic=True)
    return records


def class_results(prediction: Prediction) -> Encoded:
    """`{"results": [[[label, score], ...], ...]}`, one list of pairs a row."""
    classes, scores = jsonable("classes", _output(prediction, "classes")), _output(prediction, "scores")
    rows = [list(zip(labels, values, strict=True)) for labels, values in zip(classes, scores, strict=True)]
    return Encoded(orjson.dumps({"results": rows}, option=orjson.OPT_SERIALIZE_NUMPY))


def value_results(prediction: Prediction) -> Encoded:
    """`{"results": [value, ...]}`, one number a row."""
    values = _output(prediction, "outputs")
    return Encoded(orjson.dumps({"results": values.reshape(len(values))}, option=orjson.OPT_SERIALIZE_NUMPY))


def _output(prediction: Prediction, name: str) -> Array:
    found = prediction.outputs.get(name)
    if found is None:
        raise InvalidInput(f"the signature answers {', '.join(prediction.outputs)} and not `{name}`",
                           pointer="/signature_name")  # fmt: skip
    return found
