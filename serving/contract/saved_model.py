"""As much of TensorFlow's SavedModel message as it takes to know what a graph does, without TensorFlow.

Parsed by protobuf itself under TensorFlow's own field numbers, so that no file means one thing here and another there;
tensors and all else that is not named below is kept as bytes that nobody looks at. Pure. The schemas:
saved_model.proto and meta_graph.proto of tensorflow/core/protobuf, graph.proto and those it imports of core/framework.
"""

import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from serving.errors import IntegrityError

PACKAGE = "tensorflow"
MAX_BYTES = 2**31 - 1
"""Protobuf's own limit on a message, and so TensorFlow's on a saved_model.pb."""

STRING, BYTES, NUMBER = "string", "bytes", "number"
SCHEMA: Mapping[str, Mapping[str, tuple[int, str]]] = MappingProxyType(
    {
        "SavedModel": {"meta_graphs": (2, "[] MetaGraphDef")},
        "MetaGraphDef": {
            "graph_def": (2, "GraphDef"),
            "saver_def": (3, "SaverDef"),
            "collection_def": (4, "{} CollectionDef"),
            "signature_def": (5, "{} SignatureDef"),
            "asset_file_def": (6, "[] AssetFileDef"),
        },
        "SaverDef": {
            "filename_tensor_name": (1, STRING),
            "save_tensor_name": (2, STRING),
            "restore_op_name": (3, STRING),
        },
        "CollectionDef": {"node_list": (1, "NodeList"), "any_list": (5, "AnyList")},
        "NodeList": {"value": (1, "[] string")},
        "AnyList": {"value": (1, "[] Any")},
        "Any": {"value": (2, BYTES)},
        "SignatureDef": {"inputs": (1, "{} TensorInfo"), "outputs": (2, "{} TensorInfo")},
        "TensorInfo": {"name": (1, STRING), "coo_sparse": (4, "CooSparse"), "composite_tensor": (5, "CompositeTensor")},
        "CooSparse": {
            "values_tensor_name": (1, STRING),
            "indices_tensor_name": (2, STRING),
            "dense_shape_tensor_name": (3, STRING),
        },
        "CompositeTensor": {"components": (2, "[] TensorInfo")},
        "AssetFileDef": {"tensor_info": (1, "TensorInfo"), "filename": (2, STRING)},
        "GraphDef": {"node": (1, "[] NodeDef"), "library": (2, "FunctionDefLibrary")},
        "FunctionDefLibrary": {"function": (1, "[] FunctionDef")},
        "FunctionDef": {"signature": (1, "OpDef"), "node_def": (3, "[] NodeDef")},
        "OpDef": {"name": (1, STRING), "input_arg": (2, "[] ArgDef")},
        "ArgDef": {"name": (1, STRING), "number_attr": (5, STRING), "type_list_attr": (6, STRING)},
        "NodeDef": {"name": (1, STRING), "op": (2, STRING), "input": (3, "[] string"), "attr": (5, "{} AttrValue")},
        "AttrValue": {"list": (1, "ListValue"), "type": (6, NUMBER), "func": (10, "NameAttrList")},
        "ListValue": {"func": (9, "[] NameAttrList")},
        "NameAttrList": {"name": (1, STRING), "attr": (2, "{} AttrValue")},
    }
)
"""Fields by name: the number and the type. `[]` is repeated, `{}` a map from strings. The members of a oneof stand for
themselves, so that one which a later one would replace is looked at too.
"""
_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {STRING: _Field.TYPE_STRING, BYTES: _Field.TYPE_BYTES, NUMBER: _Field.TYPE_INT32}


def parse_saved_model(content: bytes) -> Any:
    """The message. Raises IntegrityError when `content` is none."""
    message = _message_class()()
    try:
        message.ParseFromString(content)
    except DecodeError as error:
        raise IntegrityError("saved_model.pb: it is not a SavedModel") from error
    return message


def parse_asset(content: bytes) -> Any:
    """An AssetFileDef, as TensorFlow 1 kept it in a collection. Raises IntegrityError."""
    message = _message_class("AssetFileDef")()
    try:
        message.ParseFromString(content)
    except DecodeError as error:
        raise IntegrityError("saved_model.pb: the collection of its assets is damaged") from error
    return message


@functools.cache
def _message_class(name: str = "SavedModel") -> Any:
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"{PACKAGE}.{name}"))


@functools.cache
def _pool() -> descriptor_pool.DescriptorPool:
    """Apart from the process's own pool, where TensorFlow's generated modules have the same names."""
    file = descriptor_pb2.FileDescriptorProto(name="saved_model.proto", package=PACKAGE, syntax="proto3")
    for name, fields in SCHEMA.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            _add_field(message, field, number, kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


def _add_field(message: descriptor_pb2.DescriptorProto, name: str, number: int, kind: str) -> None:
    shape, _, base = kind.rpartition(" ")
    field = message.field.add(name=name, number=number, label=_Field.LABEL_REPEATED if shape else _Field.LABEL_OPTIONAL)
    if shape == "{}":
        entry = message.nested_type.add(name=f"{name.title().replace('_', '')}Entry")
        entry.options.map_entry = True
        _add_field(entry, "key", 1, STRING)
        _add_field(entry, "value", 2, base)
        base = f"{message.name}.{entry.name}"
    if base in _SCALARS:
        field.type = _SCALARS[base]
    else:
        field.type, field.type_name = _Field.TYPE_MESSAGE, f".{PACKAGE}.{base}"
