"""Serialized tf.Example, looked at before a graph parses them: what it would refuse is refused here, with the field.

Pure. The message is wire-compatible with tensorflow/core/example/{example,feature}.proto; it lives in a pool of its
own, so that TensorFlow's generated modules, which belong to the backends, may be loaded beside it.
"""

import functools
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.message import DecodeError

from serving.contract.features import CategoryFeature, Feature, ImageFeature, NumberFeature, TensorFeature, TextFeature
from serving.contract.tensors import NUMPY_DTYPES, Array, shape_text
from serving.errors import InvalidInput, MissingField, WrongDtype, WrongShape
from serving.preprocessing.arrays import Locate, check_range, numeric_array, pointer_token


class ExampleFeature(TensorFeature):
    """Strings that are tf.Example, each holding the features of `record`: what a version's `classify` takes."""

    dtype: str = "string"  # type: ignore[assignment] # narrower than the tensor's own
    record: tuple[Feature, ...]


_KINDS: Mapping[str, tuple[int, str, str]] = MappingProxyType(
    {
        "bytes_list": (1, "BytesList", "TYPE_BYTES"),
        "float_list": (2, "FloatList", "TYPE_FLOAT"),
        "int64_list": (3, "Int64List", "TYPE_INT64"),
    }
)
"""The three kinds of list a tf.Example may hold: the number in `Feature`, the message and its values' type."""


def check_examples(rows: Sequence[bytes], record: Sequence[Feature], locate: Locate) -> None:
    """Raise InvalidInput's family, with `{row}/{feature}` as the pointer, for the first feature that is not as the
    manifest has it. Features that the manifest does not have are left alone, as TensorFlow's parser leaves them.
    """
    parsed = [_parsed(row, locate(place)) for place, row in enumerate(rows)]
    for feature in record:
        token = pointer_token(feature.name)
        _check_feature(feature, parsed, lambda row, token=token: f"{locate(row)}/{token}")  # type: ignore[misc] # bound


def _check_feature(feature: Feature, parsed: Sequence[Mapping[str, Any]], locate: Locate) -> None:
    kind = {"O": "bytes_list", "f": "float_list"}.get(NUMPY_DTYPES[feature.dtype].kind, "int64_list")
    optional = isinstance(feature, NumberFeature) and feature.optional
    given: list[int] = []
    columns: list[Any] = []
    for row, features in enumerate(parsed):
        values = _values(features, feature.name, kind, locate(row))
        if values is not None and not (optional and _is_nan(values)):
            given.append(row)
            columns.append(values)
        elif not optional:
            raise MissingField(f"feature `{feature.name}` has no value in the example", pointer=locate(row))
    _check_counts(feature, columns, lambda place: locate(given[place]))
    if isinstance(feature, CategoryFeature | TextFeature) or kind == "bytes_list":
        return
    if columns and None not in feature.row_shape:
        array: Array = np.array(columns).reshape(len(columns), *feature.row_shape)
        _check_numbers(feature, array, lambda place: locate(given[place]))


def _is_nan(values: Sequence[Any]) -> bool:
    """An absent value as a tensor has it, which has no other way to say so."""
    return len(values) == 1 and math.isnan(values[0])


def _check_numbers(feature: NumberFeature | ImageFeature | TensorFeature, array: Array, locate: Locate) -> None:
    checked = numeric_array(array, feature.dtype, feature.row_shape, locate, allow_non_finite=feature.allow_non_finite)
    if isinstance(feature, NumberFeature):
        check_range(checked, feature.range, feature.unit, locate)
    elif isinstance(feature, ImageFeature):
        check_range(checked, feature.range, "", locate)


def _check_counts(feature: Feature, columns: Sequence[Sequence[object]], locate: Locate) -> None:
    """Lists are flat: as many values as the shape has, any multiple of them where one dimension is free."""
    count = math.prod(size for size in feature.row_shape if size is not None)
    is_free = None in feature.row_shape
    for place, values in enumerate(columns):
        if len(values) != count and not (is_free and len(values) % count == 0):
            raise WrongShape(f"{len(values)} values where the shape {shape_text(feature.row_shape)} is expected",
                             pointer=locate(place))  # fmt: skip


def _values(features: Mapping[str, Any], name: str, kind: str, pointer: str) -> Sequence[object] | None:
    """None where the example has none: no such feature, or one without a list."""
    if name not in features:
        return None
    found = features[name].WhichOneof("kind")
    if found is None:
        return None
    if found != kind:
        raise WrongDtype(f"{found} where {kind} is expected", pointer=pointer)
    return list(getattr(features[name], kind).value)


def _parsed(row: bytes, pointer: str) -> Mapping[str, Any]:
    try:
        example: Any = _example_class().FromString(row)
    except DecodeError as error:
        raise InvalidInput("bytes that are no serialized tf.Example", pointer=pointer) from error
    features: Mapping[str, Any] = example.features.feature
    return features


@functools.cache
def _example_class() -> Any:
    lists = [
        {"name": message, "field": [_field("value", 1, kind, repeated=True)]} for _, message, kind in _KINDS.values()
    ]
    choices = [
        {**_field(name, number, f".{message}"), "oneofIndex": 0} for name, (number, message, _) in _KINDS.items()
    ]
    entry = {
        "name": "FeatureEntry",
        "field": [_field("key", 1, "TYPE_STRING"), _field("value", 2, ".Feature")],
        "options": {"mapEntry": True},
    }
    listed = _field("feature", 1, ".Features.FeatureEntry", repeated=True)
    messages = [
        *lists,
        {"name": "Feature", "field": choices, "oneofDecl": [{"name": "kind"}]},
        {"name": "Features", "field": [listed], "nestedType": [entry]},
        {"name": "Example", "field": [_field("features", 1, ".Features")]},
    ]
    file = json_format.ParseDict(
        {"name": "example", "syntax": "proto3", "messageType": messages}, descriptor_pb2.FileDescriptorProto()
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("Example"))


def _field(name: str, number: int, kind: str, *, repeated: bool = False) -> dict[str, Any]:
    """`kind` is a scalar type, or a message's name behind a dot."""
    typed = {"type": "TYPE_MESSAGE", "typeName": kind} if kind.startswith(".") else {"type": kind}
    return {"name": name, "number": number, "label": "LABEL_REPEATED" if repeated else "LABEL_OPTIONAL", **typed}
