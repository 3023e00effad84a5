import inspect
import re
from pathlib import Path

import pytest
from grpc import StatusCode

from serving import errors
from serving.grpc.error_status import STATUSES, ReloadRefused, error_message, error_metadata, status_of

DOCUMENT = Path(__file__).resolve().parents[4] / "docs" / "errors.md"
RAISED = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.PenstockError) and "never raised itself" not in (kind.__doc__ or "")
]
WAITING = [
    *(kind for kind in RAISED if issubclass(kind, errors.RetryLater)),
    errors.ModelNotReady,
    errors.BackendUnavailable,
]


def made(kind: type[errors.PenstockError]) -> errors.PenstockError:
    return kind("why", retry_after_seconds=1.25) if issubclass(kind, errors.RetryLater) else kind("why")


@pytest.mark.parametrize("kind", RAISED)
def test_every_error_has_a_status_and_its_name_as_code(kind: type[errors.PenstockError]) -> None:
    assert status_of(made(kind)) is not StatusCode.OK
    assert dict(error_metadata(made(kind)))["x-error-code"] == kind.__name__


def test_an_error_directly_below_the_root_is_named_in_the_table_or_is_our_own_fault() -> None:
    unnamed = {kind for kind in RAISED if not any(base in STATUSES for base in kind.__mro__[:-4])}
    publishing = {errors.PublishError, errors.IntegrityError, errors.StoreUnavailable}
    assert unnamed == {errors.InternalError, errors.InvalidSettings, errors.InvalidJob, *publishing}


def test_the_errors_page_gives_every_row_the_status_of_its_code() -> None:
    rows = re.findall(r"^\|.*\| `(\w+)` \| ([A-Z_]+) \|", DOCUMENT.read_text(), re.MULTILINE)
    named = {kind.__name__: status_of(made(kind)).name for kind in (*RAISED, ReloadRefused)}
    assert len(rows) > 20
    assert [(code, status) for code, status in rows if named[code] != status] == []


@pytest.mark.parametrize("kind", WAITING)
def test_what_may_pass_by_itself_carries_retry_info(kind: type[errors.PenstockError]) -> None:
    details = dict(error_metadata(made(kind)))["grpc-status-details-bin"]
    assert isinstance(details, bytes)
    assert b"google.rpc.RetryInfo" in details


def test_what_will_not_pass_says_nothing_of_retrying() -> None:
    assert error_metadata(errors.UnknownModel("x")) == (("x-error-code", "UnknownModel"),)


def test_the_field_is_in_message_metadata_and_details() -> None:
    error = errors.WrongShape("too long", pointer="/inputs/größe/0")
    metadata = dict(error_metadata(error))
    assert error_message(error) == "/inputs/größe/0: too long"
    assert metadata["x-error-field"] == r"/inputs/gr\xf6\xdfe/0"
    assert b"google.rpc.BadRequest" in metadata["grpc-status-details-bin"]


def test_a_message_stays_within_what_metadata_holds() -> None:
    assert len(error_message(errors.BackendRejected("x" * 100_000))) == 1000
