"""From a gRPC answer to the class that is raised: what the gateway writes there is what the client reads."""

import pytest
from penstock_client import errors
from penstock_client import grpc_messages_pb2 as messages
from penstock_client.error_answers import BY_CODE
from penstock_client.grpc_errors import BY_STATUS, error_from
from penstock_client.messages import Response

import serving.errors
from serving.grpc.error_status import error_message, error_metadata, status_of


def answered(error: serving.errors.PenstockError) -> Response:
    """As `serving/grpc/calls.py` ends a call, and the transport hands it over."""
    metadata = (("x-request-id", "r-9"), *error_metadata(error))
    headers = {name: value if isinstance(value, str) else value.decode("latin-1") for name, value in metadata}
    return Response(status_of(error).value[0], headers, error_message(error).encode())


def made(name: str) -> serving.errors.PenstockError:
    error_class = getattr(serving.errors, name)
    given: dict[str, object] = {}
    if issubclass(error_class, serving.errors.RetryLater):
        given["retry_after_seconds"] = 1.25
    if issubclass(error_class, serving.errors.InvalidInput):
        given["pointer"] = "/inputs/größe/3"
    error: serving.errors.PenstockError = error_class("what happened", **given)
    return error


@pytest.mark.parametrize("name", sorted(BY_CODE))
def test_every_error_of_the_gateway_arrives_as_itself(name: str) -> None:
    sent = made(name)
    error = error_from(answered(sent))
    assert (type(error).__name__, error.message, error.request_id) == (name, "what happened", "r-9")
    invalid = isinstance(sent, serving.errors.InvalidInput)
    assert error.field == ("/inputs/größe/3" if invalid else None)
    if isinstance(sent, serving.errors.RetryLater):
        assert error.retry_after_seconds == 1.25


@pytest.mark.parametrize("status", sorted(BY_STATUS))
def test_without_a_known_code_the_status_chooses(status: int) -> None:
    error = error_from(Response(status, {"x-error-code": "OfTomorrow"}, b"so it is"))
    assert type(error) is BY_STATUS[status]
    assert (str(error), error.field, error.request_id, error.retry_after_seconds) == ("so it is", None, None, None)


def test_a_field_without_details_is_read_from_its_own_metadata() -> None:
    error = error_from(Response(3, {"x-error-code": "WrongDtype", "x-error-field": "/inputs/a"}, b"/inputs/a: no"))
    assert (type(error), error.field, error.message) == (errors.WrongDtype, "/inputs/a", "no")


@pytest.mark.parametrize("details", ["\x1a\xff", "\x1a\x00", "not a message"])
def test_details_of_somebody_else_change_nothing(details: str) -> None:
    error = error_from(Response(8, {"x-error-code": "Overloaded", "grpc-status-details-bin": details}, b"full"))
    assert (type(error), error.field, error.retry_after_seconds) == (errors.Overloaded, None, None)


def test_a_message_over_grpcs_own_limit_is_too_large() -> None:
    error = error_from(Response(8, {}, b"SERVER: Received message larger than max (9 vs. 4)"))
    assert type(error) is errors.PayloadTooLarge


@pytest.mark.parametrize("status", [2, 12, 99])
def test_an_unknown_status_is_unexpected(status: int) -> None:
    error = error_from(Response(status, {}, b"Method not found!"))
    assert type(error) is errors.UnexpectedAnswer
    assert ("is the URL that of Penstock's gRPC port?" in str(error)) == (status == 12)


def test_a_wait_of_less_than_nothing_is_not_believed() -> None:
    wait = messages.RetryInfo()
    wait.retry_delay.seconds = -5
    status = messages.Status()
    status.details.add(type_url="type.googleapis.com/google.rpc.RetryInfo", value=wait.SerializeToString())
    details = status.SerializeToString().decode("latin-1")
    error = error_from(Response(8, {"x-error-code": "Overloaded", "grpc-status-details-bin": details}, b"full"))
    assert error.retry_after_seconds is None
