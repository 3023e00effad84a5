"""A gRPC service as data: its name and its methods, made into what grpc.aio registers.

The generated stubs' servicer classes are not used: they would have to be imported before any of this can be defined.
Where callers are asked who they are, they are asked by their metadata alone, before a byte of a message is read.
"""

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from serving.access.caller import Verb
from serving.errors import InvalidInput, PenstockError
from serving.grpc.calls import NOT_LET_IN, Calls, Context, Method


@dataclass(frozen=True, slots=True)
class MethodOf:
    """A unary method: the message it takes and what answers it. One that predicts nothing is not `counted`, and is for
    callers who may read.
    """

    request: Any
    method: Method
    counted: bool = True

    @property
    def verb(self) -> Verb:
        return Verb.PREDICT if self.counted else Verb.READ


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
        every = grpc.method_handlers_generic_handler(self.name, made)
        if calls.visitors is None:
            return every
        verbs = {f"/{self.name}/{name}": method.verb for name, method in self.methods.items()}
        return _Asking(every, calls, self.protocol, verbs)


class _Asking(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc has no types
    """`inner` for callers who may; streams, which are read at leisure, ask for themselves.

    grpc.aio looks for a call's handler once the metadata are there, and receives the message by what it finds. Whoever
    is refused gets a handler of streams, which reads nothing.
    """

    def __init__(self, inner: grpc.GenericRpcHandler, calls: Calls, protocol: str, verbs: Mapping[str, Verb]) -> None:
        self._inner, self._calls, self._protocol, self._verbs = inner, calls, protocol, verbs

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        verb = self._verbs.get(details.method)
        if verb is not None:
            try:
                self._calls.calling(verb, details.invocation_metadata)
            except NOT_LET_IN as error:
                return grpc.stream_unary_rpc_method_handler(functools.partial(self._refuse, error.with_traceback(None)))
        return self._inner.service(details)

    async def _refuse(self, error: PenstockError, _: AsyncIterator[Any], context: Context) -> None:
        await self._calls.refuse(self._protocol, error, context)


def _handler(calls: Calls, protocol: str, method: MethodOf) -> Callable[[Any, Context], Awaitable[Any]]:
    if method.counted:
        return calls.unary(protocol, calls.asking(method.method, method.verb))
    return calls.unary("", calls.asking(method.method, method.verb, protocol))


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
