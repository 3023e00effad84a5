"""Our few fields of a SavedModel are TensorFlow's own, number by number; what is none is refused."""

import pytest

from serving.backends.tensorflow_messages import message_module
from serving.contract.saved_model import SCHEMA, parse_saved_model
from serving.errors import IntegrityError

MODULES = {
    "core.protobuf.saved_model_pb2": ["SavedModel"],
    "core.protobuf.saver_pb2": ["SaverDef"],
    "core.protobuf.meta_graph_pb2": ["MetaGraphDef", "CollectionDef", "SignatureDef", "TensorInfo", "AssetFileDef"],
    "core.framework.graph_pb2": ["GraphDef"],
    "core.framework.function_pb2": ["FunctionDefLibrary", "FunctionDef"],
    "core.framework.op_def_pb2": ["OpDef"],
    "core.framework.node_def_pb2": ["NodeDef"],
    "core.framework.attr_value_pb2": ["AttrValue", "NameAttrList"],
}
NESTED = {
    "NodeList": "CollectionDef.NodeList",
    "AnyList": "CollectionDef.AnyList",
    "CooSparse": "TensorInfo.CooSparse",
    "CompositeTensor": "TensorInfo.CompositeTensor",
    "ArgDef": "OpDef.ArgDef",
    "ListValue": "AttrValue.ListValue",
}


def theirs(name: str) -> object:
    outer, _, inner = NESTED.get(name, name).partition(".")
    module = next(module for module, names in MODULES.items() if outer in names)
    descriptor = getattr(message_module(f"tensorflow.{module}"), outer).DESCRIPTOR
    return descriptor.nested_types_by_name[inner] if inner else descriptor


@pytest.mark.parametrize("name", [name for name in SCHEMA if name != "Any"])
def test_fields_have_tensorflows_numbers_and_shapes(name: str) -> None:
    ours = parse_saved_model(b"").DESCRIPTOR.file.message_types_by_name[name]
    for field in ours.fields:
        other = theirs(name).fields_by_name[field.name]  # type: ignore[attr-defined] # a protobuf descriptor
        assert field.number == other.number
        assert field.is_repeated == other.is_repeated
        assert bool(field.message_type) == bool(other.message_type)
        if field.message_type and not field.message_type.GetOptions().map_entry:
            assert field.message_type.name == other.message_type.name


@pytest.mark.parametrize("content", [b"not a SavedModel", b"\x12\x05\x12\x03\x0a\x01\xff", b"\x12\xff"])
def test_what_protobuf_cannot_read_is_refused(content: bytes) -> None:
    with pytest.raises(IntegrityError, match=r"^saved_model\.pb: it is not a SavedModel"):
        parse_saved_model(content)
