"""The text files that TensorFlow Serving reads, rendered and parsed by the schemas of their messages.

Pure. `tensorflow-serving-api` ships the messages of models.config. Those of batching.config and monitoring.config it
does not, so their fields are written down here (session_bundle_config.proto and monitoring_config.proto of
https://github.com/tensorflow/serving); a text file holds names and no field numbers, so the numbers are ours.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format, wrappers_pb2

from serving.backends.tensorflow_messages import message_module
from serving.errors import IntegrityError

Kind: TypeAlias = Literal["models.config", "batching.config", "monitoring.config"]
FieldType = descriptor_pb2.FieldDescriptorProto

_PACKAGE = "penstock.model_server"
_WRAPPED = ".google.protobuf."
_MESSAGES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "BatchingParameters": {
            "max_batch_size": f"{_WRAPPED}Int64Value",
            "batch_timeout_micros": f"{_WRAPPED}Int64Value",
            "max_enqueued_batches": f"{_WRAPPED}Int64Value",
            "num_batch_threads": f"{_WRAPPED}Int64Value",
            "thread_pool_name": f"{_WRAPPED}StringValue",
            "allowed_batch_sizes": "repeated int64",
            "pad_variable_length_inputs": "bool",
            "enable_large_batch_splitting": f"{_WRAPPED}BoolValue",
            "max_execution_batch_size": f"{_WRAPPED}Int64Value",
        },
        "PrometheusConfig": {"enable": "bool", "path": "string"},
        "MonitoringConfig": {"prometheus_config": f".{_PACKAGE}.PrometheusConfig"},
    }
)
_SCALARS: Mapping[str, FieldType.Type.ValueType] = MappingProxyType(
    {
        "bool": FieldType.TYPE_BOOL,
        "string": FieldType.TYPE_STRING,
        "int64": FieldType.TYPE_INT64,
    }
)


def empty_message(kind: Kind) -> Any:
    """A new message of the file's schema: ModelServerConfig, BatchingParameters or MonitoringConfig."""
    if kind == "models.config":
        return message_module("tensorflow_serving.config.model_server_config_pb2").ModelServerConfig()
    return _class_of("BatchingParameters" if kind == "batching.config" else "MonitoringConfig")()


def parse_text(kind: Kind, text: str) -> Any:
    """The message in `text`; raises IntegrityError with line and column, for TensorFlow Serving only says `invalid`."""
    try:
        return text_format.Parse(text, empty_message(kind))
    except text_format.ParseError as error:
        raise IntegrityError(f"{kind}: {error}") from error


def render_text(message: Any) -> str:
    return str(text_format.MessageToString(message))


@cache
def _class_of(name: str) -> Any:
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"{_PACKAGE}.{name}"))


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    """A pool of its own: a process may hold the real messages too."""
    file = descriptor_pb2.FileDescriptorProto(
        name="penstock/model_server.proto", package=_PACKAGE, syntax="proto3", dependency=[wrappers_pb2.DESCRIPTOR.name]
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, (field, declared) in enumerate(fields.items(), 1):
            of = declared.removeprefix("repeated ")
            repeated = FieldType.LABEL_REPEATED if of != declared else FieldType.LABEL_OPTIONAL
            if of in _SCALARS:
                message.field.add(name=field, number=number, label=repeated, type=_SCALARS[of])
            else:
                message.field.add(name=field, number=number, label=repeated, type=FieldType.TYPE_MESSAGE, type_name=of)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return pool
