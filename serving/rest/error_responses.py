"""Errors as REST answers: one table of statuses, one body, TensorFlow Serving's `error` key with ours beside it.

The table is looked up along a class's method resolution order; a test proves that every error has its line.
"""

import math
from collections.abc import Mapping
from types import MappingProxyType

import orjson

from serving import errors
from serving.rest.response import Response

STATUSES: Mapping[type[errors.PenstockError], int] = MappingProxyType(
    {
        errors.PenstockError: 500,
        errors.InvalidInput: 400,
        errors.PayloadTooLarge: 413,
        errors.UnsupportedMediaType: 415,
        errors.UnknownModel: 404,
        errors.UnknownVersion: 404,
        errors.ModelNotReady: 503,
        errors.RetryLater: 503,
        errors.QuotaExceeded: 429,
        errors.DeadlineExceeded: 504,
        errors.Cancelled: 499,  # nginx's number, and TensorFlow Serving's for CANCELLED: counted, never read
        errors.Unauthenticated: 401,
        errors.Forbidden: 403,
        errors.BackendError: 500,
        errors.BackendUnavailable: 503,
        errors.BackendOverloaded: 503,
    }
)


def status_of(error: errors.PenstockError) -> int:
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)


def error_response(error: errors.PenstockError, request_id: str) -> Response:
    """The answer to a request that ended with `error`."""
    field = error.pointer if isinstance(error, errors.InvalidInput) else ""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    if isinstance(error, errors.RetryLater):
        headers = ((b"retry-after", str(max(1, math.ceil(error.retry_after_seconds))).encode()),)
    elif isinstance(error, errors.ModelNotReady | errors.BackendUnavailable | errors.BackendOverloaded):
        headers = ((b"retry-after", b"1"),)
    elif isinstance(error, errors.Unauthenticated):
        headers = ((b"www-authenticate", b"Bearer"),)  # RFC 6750, section 3
    return Response(status_of(error), error_body(str(error), type(error).__name__, request_id, field), headers)


def error_body(message: str, code: str, request_id: str, field: str = "") -> bytes:
    body = {"error": message, "code": code, "request_id": request_id}
    if field:
        body["field"] = field
    return orjson.dumps(body)
