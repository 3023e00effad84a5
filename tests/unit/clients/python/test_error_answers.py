"""From an error answer to the class that is raised."""

import json

import pytest
from penstock_client import errors
from penstock_client.error_answers import BY_CODE, BY_STATUS, error_from
from penstock_client.messages import Response

import serving.errors

NEVER_ANSWERED = {
    "PenstockError",
    "RetryLater",
    "PublishError",
    "StoreUnavailable",
    "InvalidSettings",
    "InvalidJob",
    "Cancelled",
}
"""Of the gateway's tree: roots that are never raised, what only training, start-up and copying of versions raise, and
what has no reader."""
OWN = {"PenstockError", "ConnectionFailed", "UnexpectedAnswer", "UnreadableFile"}


def names_in(module: object) -> set[str]:
    return {name for name, value in vars(module).items() if isinstance(value, type) and issubclass(value, Exception)}


def test_every_error_of_the_gateway_has_its_class() -> None:
    assert set(BY_CODE) == names_in(serving.errors) - NEVER_ANSWERED == names_in(errors) - OWN


def test_the_tree_branches_as_the_gateways_does() -> None:
    for name, error_class in BY_CODE.items():
        gateway_parents = {parent.__name__ for parent in getattr(serving.errors, name).__mro__} - NEVER_ANSWERED
        assert gateway_parents == {parent.__name__ for parent in error_class.__mro__} - NEVER_ANSWERED


@pytest.mark.parametrize("code", sorted(BY_CODE))
def test_the_code_chooses_the_class(code: str) -> None:
    body = {"error": "what happened", "code": code, "field": "/instances/0/age", "request_id": "r-9"}
    error = error_from(Response(500, {"retry-after": "1.5"}, json.dumps(body).encode()))
    assert type(error).__name__ == code
    assert (error.field, error.request_id, error.retry_after_seconds) == ("/instances/0/age", "r-9", 1.5)
    assert str(error) == "what happened (at /instances/0/age)"


@pytest.mark.parametrize("status", sorted(BY_STATUS))
def test_without_a_known_code_the_status_chooses(status: int) -> None:
    error = error_from(Response(status, {"x-request-id": "r-1"}, b'{"error": "so it is", "code": "OfTomorrow"}'))
    assert type(error) is BY_STATUS[status]
    assert (str(error), error.field, error.request_id) == ("so it is", None, "r-1")


def test_a_proxys_page_keeps_the_meaning_of_its_status() -> None:
    error = error_from(Response(503, {"retry-after": "3"}, b"<html>upstream down</html>"))
    assert type(error) is errors.BackendUnavailable
    assert error.retry_after_seconds == 3
    assert "upstream down" in str(error)


@pytest.mark.parametrize("status", [302, 400, 404, 418])
def test_a_foreign_answer_asks_about_the_url(status: int) -> None:
    error = error_from(Response(status, {}, b'{"detail": "Not Found"}'))
    assert type(error) is errors.UnexpectedAnswer
    assert "is the URL that of Penstock's gateway?" in str(error)


def test_a_retry_date_is_not_understood_and_does_no_harm() -> None:
    error = error_from(Response(503, {"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}, b'{"error": "full"}'))
    assert error.retry_after_seconds is None


@pytest.mark.parametrize("said", ["-5", "nan", "inf", "-inf"])
def test_nor_is_a_time_that_nobody_can_wait(said: str) -> None:
    error = error_from(Response(503, {"retry-after": said}, b'{"error": "full"}'))
    assert error.retry_after_seconds is None
