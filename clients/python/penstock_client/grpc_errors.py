"""Which error a gRPC answer stands for: by the `x-error-code` in its trailing metadata, else by its status.

Pure. The details are google.rpc's (status.proto, error_details.proto), as the gateway writes them.
"""

from collections.abc import Mapping
from types import MappingProxyType

from google.protobuf.message import DecodeError

from penstock_client import errors
from penstock_client import grpc_messages_pb2 as messages
from penstock_client.error_answers import BY_CODE, seconds_to_wait
from penstock_client.messages import Response

BY_STATUS: Mapping[int, type[errors.PenstockError]] = MappingProxyType(
    {
        1: errors.ConnectionFailed,
        3: errors.InvalidInput,
        4: errors.DeadlineExceeded,
        5: errors.UnknownModel,
        7: errors.Forbidden,
        8: errors.QuotaExceeded,
        9: errors.InvalidInput,
        10: errors.BackendUnavailable,
        11: errors.InvalidInput,
        13: errors.BackendError,
        14: errors.ConnectionFailed,
        15: errors.BackendError,
        16: errors.Unauthenticated,
    }
)
"""For answers without a code we know: an ingress, a newer gateway, or gRPC itself on either side."""

OVER_A_LIMIT = "larger than max"
"""How gRPC itself, on either side, says that a message is too large."""


def error_from(response: Response) -> errors.PenstockError:
    """The error that a response of any status but 0 stands for, to be raised."""
    said = response.body.decode(errors="replace")
    code = response.headers.get("x-error-code")
    field, wait = _details(response.headers.get("grpc-status-details-bin", ""))
    field = field or response.headers.get("x-error-field")
    if field:
        said = said.removeprefix(f"{field}: ")
    return _class_of(code, response.status, said)(
        said if code or response.status != _UNIMPLEMENTED else f"{said}; is the URL that of Penstock's gRPC port?",
        field=field,
        request_id=response.headers.get("x-request-id"),
        retry_after_seconds=wait,
    )


_UNIMPLEMENTED = 12


def _class_of(code: str | None, status: int, said: str) -> type[errors.PenstockError]:
    if code is not None and code in BY_CODE:
        return BY_CODE[code]
    if OVER_A_LIMIT in said:
        return errors.PayloadTooLarge
    return BY_STATUS.get(status, errors.UnexpectedAnswer)


def _details(binary: str) -> tuple[str | None, float | None]:
    """The field and the seconds to wait, each None where nothing is said of it."""
    field, wait = None, None
    try:
        for detail in messages.Status.FromString(binary.encode("latin-1")).details:
            if detail.type_url.endswith("/google.rpc.BadRequest"):
                field = messages.BadRequest.FromString(detail.value).field_violations[0].field
            elif detail.type_url.endswith("/google.rpc.RetryInfo"):
                delay = messages.RetryInfo.FromString(detail.value).retry_delay
                wait = seconds_to_wait(delay.seconds + delay.nanos / 1e9)
    except (DecodeError, IndexError):  # somebody else's details: the error stands without them
        return field, wait
    return field, wait
