"""A gRPC service as data: its name and its methods, made into what grpc.aio registers.

The generated stubs' servicer classes are not used: they would have to be imported before any of this can be defined.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from serving.access.caller import Verb
from serving.errors import InvalidInput
from serving.grpc.calls import Calls, Context, Method


@dataclass(frozen=True, slots=True)
class MethodOf:
    """A unary method: the message it takes and what answers it. One that predicts nothing is not `counted`, and is for
    callers who may read.
    """

    request: Any
    method: Method
    counted: bool = True


@dataclass(frozen=True, slots=True)
class StreamOf:
    """A method with a stream of requests, which writes its answers to the context."""

    request: Any
    method: Callable[[AsyncIterator[Any], Context], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Service:
    name: str
    protocol: str
    methods: Mapping[str, MethodOf]
    streams: Mapping[str, StreamOf] = field(default_factory=dict)

    def generic(self, calls: Calls) -> grpc.GenericRpcHandler:
        made = {
            name: grpc.unary_unary_rpc_method_handler(
                _handler(calls, self.protocol, method),
                _reader(method.request),
                _serialized,
            )
            for name, method in self.methods.items()
        }
        made |= {
            name: grpc.stream_stream_rpc_method_handler(stream.method, _reader(stream.request), _serialized)
            for name, stream in self.streams.items()
        }
        return grpc.method_handlers_generic_handler(self.name, made)


def _handler(calls: Calls, protocol: str, method: MethodOf) -> Callable[[Any, Context], Awaitable[Any]]:
    if method.counted:
        return calls.unary(protocol, calls.asking(method.method, Verb.PREDICT))
    return calls.unary("", calls.asking(method.method, Verb.READ, protocol))


class _Unreadable:
    """In the place of a message whose bytes are none: whoever looks into it refuses it. grpc itself would answer
    UNKNOWN and log a traceback for each.
    """

    def __getattr__(self, name: str) -> Any:
        raise InvalidInput("the request's bytes are not a message of this method")


def _reader(message: Any) -> Callable[[bytes], Any]:
    def read(data: bytes) -> Any:
        try:
            return message.FromString(data)
        except DecodeError:
            return _Unreadable()

    return read


def _serialized(message: Any) -> bytes:
    return bytes(message.SerializeToString())
