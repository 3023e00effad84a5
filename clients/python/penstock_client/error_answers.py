"""Which error an answer stands for: by the `code` in its body, else by its HTTP status.

Pure, and the only place that knows both statuses and error classes.
"""

import json
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from penstock_client import errors
from penstock_client.messages import Response

BY_CODE: Mapping[str, type[errors.PenstockError]] = MappingProxyType(
    {
        error_class.__name__: error_class
        for error_class in (
            errors.InvalidInput,
            errors.UnknownField,
            errors.MissingField,
            errors.WrongShape,
            errors.WrongDtype,
            errors.OutOfRange,
            errors.UndecodableImage,
            errors.PayloadTooLarge,
            errors.UnsupportedMediaType,
            errors.UnknownModel,
            errors.UnknownVersion,
            errors.ModelNotReady,
            errors.Overloaded,
            errors.DeadlineExceeded,
            errors.QuotaExceeded,
            errors.Unauthenticated,
            errors.Forbidden,
            errors.BackendError,
            errors.BackendUnavailable,
            errors.BackendOverloaded,
            errors.BackendRejected,
            errors.IntegrityError,
            errors.InternalError,
        )
    }
)

BY_STATUS: Mapping[int, type[errors.PenstockError]] = MappingProxyType(
    {
        400: errors.InvalidInput,
        401: errors.Unauthenticated,
        403: errors.Forbidden,
        404: errors.UnknownModel,
        408: errors.DeadlineExceeded,
        413: errors.PayloadTooLarge,
        415: errors.UnsupportedMediaType,
        422: errors.InvalidInput,
        429: errors.QuotaExceeded,
        500: errors.BackendError,
        502: errors.BackendUnavailable,
        503: errors.BackendUnavailable,
        504: errors.DeadlineExceeded,
    }
)
"""For answers without a code we know: plain TensorFlow Serving, an ingress, a newer gateway."""

LIKELY_A_WRONG_URL = frozenset({400, 404, 422})
FOREIGN_BODY_SHOWN_CHARACTERS = 200


def error_from(response: Response) -> errors.PenstockError:
    """The error that a response of any status but 200 stands for, to be raised."""
    body = _error_body(response)
    if body is None:
        return _foreign(response)
    error_class = BY_CODE.get(str(body.get("code")), BY_STATUS.get(response.status, errors.UnexpectedAnswer))
    return error_class(
        str(body["error"]),
        field=_text(body.get("field")),
        request_id=_text(body.get("request_id")) or response.headers.get("x-request-id"),
        retry_after_seconds=_seconds(response.headers.get("retry-after")),
    )


def _foreign(response: Response) -> errors.PenstockError:
    """Not our error body. A proxy's own page keeps its status's meaning, unless a wrong URL is the likelier cause."""
    error_class = BY_STATUS.get(response.status, errors.UnexpectedAnswer)
    said = response.body[:FOREIGN_BODY_SHOWN_CHARACTERS].decode(errors="replace").strip()
    if response.status in LIKELY_A_WRONG_URL or error_class is errors.UnexpectedAnswer:
        error_class = errors.UnexpectedAnswer
        said = f"is the URL that of Penstock's gateway? {response.headers.get('location', said)}"
    return error_class(
        f"status {response.status} without an error body: {said}",
        request_id=response.headers.get("x-request-id"),
        retry_after_seconds=_seconds(response.headers.get("retry-after")),
    )


def _error_body(response: Response) -> dict[str, Any] | None:
    try:
        body = json.loads(response.body)
    except ValueError:
        return None
    return body if isinstance(body, dict) and "error" in body else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _seconds(retry_after: str | None) -> float | None:
    """RFC 9110 also allows a date there; the gateway writes seconds, and another's date is not worth a clock."""
    try:
        return None if retry_after is None else seconds_to_wait(float(retry_after))
    except ValueError:
        return None


def seconds_to_wait(said: float) -> float | None:
    """None for what nobody can wait: what is below 0, without end or no number."""
    return said if 0 <= said < math.inf else None
