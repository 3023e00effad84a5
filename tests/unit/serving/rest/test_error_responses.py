import inspect
import re
from pathlib import Path

import orjson
import pytest

from serving import errors
from serving.rest.error_responses import STATUSES, error_body, error_response, status_of

DOCUMENT = Path(__file__).resolve().parents[4] / "docs" / "errors.md"
RAISED = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.PenstockError) and "never raised itself" not in (kind.__doc__ or "")
]
NOT_OVER_REST = {
    errors.Unauthenticated,
    errors.QuotaExceeded,
    errors.Cancelled,
    errors.PublishError,
    errors.IntegrityError,
    errors.StoreUnavailable,
    errors.InvalidSettings,
    errors.InvalidJob,
}
"""Nothing behind a route raises these yet."""
WITHOUT_A_CLASS = {("HttpError", "404"), ("HttpError", "405")}
WAITING = [kind for kind in RAISED if issubclass(kind, errors.RetryLater)]


def made(kind: type[errors.PenstockError]) -> errors.PenstockError:
    return kind("why", retry_after_seconds=0.2) if issubclass(kind, errors.RetryLater) else kind("why")


@pytest.mark.parametrize("kind", RAISED)
def test_every_error_has_a_status_and_its_name_as_code(kind: type[errors.PenstockError]) -> None:
    response = error_response(made(kind), "id-1")
    assert response.status == status_of(made(kind)) >= 400
    assert orjson.loads(response.body) == {"error": "why", "code": kind.__name__, "request_id": "id-1"}


def test_a_new_error_without_a_line_of_its_own_takes_its_parents() -> None:
    class TooOld(errors.UnknownVersion):
        pass

    assert status_of(TooOld("x")) == STATUSES[errors.UnknownVersion]


def test_the_errors_page_gives_every_error_an_answer_may_carry_its_status() -> None:
    rows = re.findall(r"^\|.*\| (\d{3}) \| `(\w+)` \|", DOCUMENT.read_text(), re.MULTILINE)
    raised = {kind.__name__: str(status_of(made(kind))) for kind in RAISED if kind not in NOT_OVER_REST}
    assert {(name, status) for status, name in rows} == {*raised.items(), *WITHOUT_A_CLASS}


@pytest.mark.parametrize("kind", WAITING)
@pytest.mark.parametrize(("seconds", "header"), [(0.0, b"1"), (0.2, b"1"), (1.0, b"1"), (1.01, b"2"), (90.5, b"91")])
def test_retry_after_is_whole_seconds_and_at_least_one(
    kind: type[errors.RetryLater], seconds: float, header: bytes
) -> None:
    assert error_response(kind("full", retry_after_seconds=seconds), "").headers == ((b"retry-after", header),)


@pytest.mark.parametrize(
    ("kind", "waits"),
    [
        (errors.ModelNotReady, True),
        (errors.BackendUnavailable, True),
        (errors.BackendRejected, False),
        (errors.UnknownModel, False),
        (errors.DeadlineExceeded, False),
    ],
)
def test_only_what_may_pass_by_itself_says_come_back(kind: type[errors.PenstockError], *, waits: bool) -> None:
    assert bool(error_response(kind("x"), "").headers) is waits


def test_the_field_is_named_when_there_is_one() -> None:
    body = error_response(errors.WrongShape("x", pointer="/instances/0/a~1b"), "").body
    assert orjson.loads(body)["field"] == "/instances/0/a~1b"
    assert b"field" not in error_body("x", "WrongShape", "")
