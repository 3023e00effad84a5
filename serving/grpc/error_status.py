"""Errors as gRPC answers: one table of statuses, and the details that go into the trailing metadata.

The table is looked up along a class's method resolution order; a test proves that every error has its line. Details
follow google.rpc (status.proto, error_details.proto), which clients' retry interceptors read.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from grpc import StatusCode

from serving import errors
from serving.protobuf_encoding import tagged, varint

Metadata: TypeAlias = tuple[tuple[str, str | bytes], ...]

MESSAGE_CHARACTERS = 1000
"""Clients refuse a call whose metadata passes 8 KB, and the message is in there twice."""

_AT_ONCE_SECONDS = 1.0
"""What a caller should wait for something that ends by itself and says no time."""


class ReloadRefused(errors.PenstockError):
    """A config that TensorFlow Serving would load and that this gateway, which reads a directory, cannot follow."""


STATUSES: Mapping[type[errors.PenstockError], StatusCode] = MappingProxyType(
    {
        errors.PenstockError: StatusCode.INTERNAL,
        errors.InvalidInput: StatusCode.INVALID_ARGUMENT,
        errors.UnknownModel: StatusCode.NOT_FOUND,
        errors.UnknownVersion: StatusCode.NOT_FOUND,
        errors.ModelNotReady: StatusCode.UNAVAILABLE,
        errors.RetryLater: StatusCode.RESOURCE_EXHAUSTED,
        errors.DeadlineExceeded: StatusCode.DEADLINE_EXCEEDED,
        errors.Cancelled: StatusCode.CANCELLED,
        errors.Unauthenticated: StatusCode.UNAUTHENTICATED,
        errors.Forbidden: StatusCode.PERMISSION_DENIED,
        errors.BackendError: StatusCode.INTERNAL,
        errors.BackendUnavailable: StatusCode.UNAVAILABLE,
        errors.BackendOverloaded: StatusCode.RESOURCE_EXHAUSTED,
        ReloadRefused: StatusCode.FAILED_PRECONDITION,
    }
)


def status_of(error: errors.PenstockError) -> StatusCode:
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)


def error_message(error: errors.PenstockError) -> str:
    """The message with the field it is about, since most clients show nothing else."""
    pointer = error.pointer if isinstance(error, errors.InvalidInput) else ""
    return (f"{pointer}: {error}" if pointer else str(error))[:MESSAGE_CHARACTERS]


def error_metadata(error: errors.PenstockError) -> Metadata:
    """Trailing metadata: the error's name, its field, and google.rpc details where there is something to say."""
    pointer = error.pointer if isinstance(error, errors.InvalidInput) else ""
    metadata: list[tuple[str, str | bytes]] = [("x-error-code", type(error).__name__)]
    details = []
    if pointer:
        # metadata is ASCII; a pointer may hold a feature's name in any language
        metadata.append(("x-error-field", pointer.encode("ascii", "backslashreplace").decode()))
        details.append(
            _any(
                "BadRequest",
                _field(1, _field(1, pointer.encode()) + _field(2, str(error)[:MESSAGE_CHARACTERS].encode())),
            )
        )
    if (wait := _retry_seconds(error)) is not None:
        delay = Duration(seconds=int(wait), nanos=int(wait % 1 * 1e9))
        details.append(_any("RetryInfo", _field(1, delay.SerializeToString())))
    if details:
        code = varint(1 << 3) + varint(status_of(error).value[0])
        message = _field(2, error_message(error).encode())
        metadata.append(("grpc-status-details-bin", code + message + b"".join(_field(3, part) for part in details)))
    return tuple(metadata)


def _retry_seconds(error: errors.PenstockError) -> float | None:
    if isinstance(error, errors.RetryLater):
        return max(error.retry_after_seconds, 0.001)
    passing = errors.ModelNotReady | errors.BackendUnavailable | errors.BackendOverloaded
    return _AT_ONCE_SECONDS if isinstance(error, passing) else None


def _any(name: str, content: bytes) -> bytes:
    return AnyMessage(type_url=f"type.googleapis.com/google.rpc.{name}", value=content).SerializeToString()


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited field. Written out: google.rpc's messages would be one more package for these few bytes."""
    return tagged(number << 3 | 2, content)
