import pytest
from grpc import StatusCode

from serving import errors
from serving.backends.tfserving.call_errors import ERRORS, MENDABLE, error_of, shown, speaks_against_replica


def test_every_status_has_its_error() -> None:
    assert ERRORS.keys() == set(StatusCode) - {StatusCode.OK}


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (StatusCode.UNAVAILABLE, errors.BackendUnavailable),
        (StatusCode.RESOURCE_EXHAUSTED, errors.BackendOverloaded),
        (StatusCode.INVALID_ARGUMENT, errors.BackendRejected),
        (StatusCode.NOT_FOUND, errors.ModelNotReady),
        (StatusCode.FAILED_PRECONDITION, errors.ModelNotReady),
        (StatusCode.DEADLINE_EXCEEDED, errors.DeadlineExceeded),
        (StatusCode.INTERNAL, errors.BackendError),
    ],
)
def test_a_status_becomes_our_error(code: StatusCode, kind: type[errors.PenstockError]) -> None:
    assert type(error_of(code, "why")) is kind


def test_the_gateways_credentials_are_not_the_callers() -> None:
    for code in (StatusCode.UNAUTHENTICATED, StatusCode.PERMISSION_DENIED):
        assert type(error_of(code, "")) is errors.BackendError


def test_where_a_server_lives_is_not_told() -> None:
    said = "failed to connect to all addresses; last error: ipv4:10.0.0.7:8500: Connection refused"
    assert "10.0.0.7" not in str(error_of(StatusCode.UNAVAILABLE, said))
    assert "10.0.0.7" not in str(error_of(StatusCode.INTERNAL, said))


def test_a_message_that_is_too_large_will_not_fit_later_either() -> None:
    error = error_of(StatusCode.RESOURCE_EXHAUSTED, "CLIENT: Received message larger than max (9 vs. 4)")
    assert isinstance(error, errors.BackendRejected)
    assert "tfserving_max_message_bytes" in str(error)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Could not find /srv/models/digits/2/saved_model.pb", "Could not find saved_model.pb"),
        ("no file at: /srv/models/digits/2", "no file at: 2"),
        ("{{node model/dense/MatMul}} failed", "{{node model/dense/MatMul}} failed"),
        ("half of 1/2 is 1/4", "half of 1/2 is 1/4"),
    ],
)
def test_folders_stay_out_of_messages(said: str, told: str) -> None:
    assert shown(said) == told
    assert str(error_of(StatusCode.INVALID_ARGUMENT, said)) == told


def test_what_makes_an_outlier_and_what_another_replica_may_mend() -> None:
    against = {code for code in ERRORS if speaks_against_replica(error_of(code, ""))}
    assert {StatusCode.UNAVAILABLE, StatusCode.INTERNAL, StatusCode.UNKNOWN} <= against
    assert not against & {StatusCode.INVALID_ARGUMENT, StatusCode.RESOURCE_EXHAUSTED, StatusCode.NOT_FOUND}
    assert isinstance(error_of(StatusCode.UNAVAILABLE, ""), MENDABLE)
    assert not isinstance(error_of(StatusCode.INVALID_ARGUMENT, ""), MENDABLE)


def test_a_gateway_that_stands_in_for_a_server_names_a_version_that_it_has_no_more() -> None:
    assert type(error_of(StatusCode.UNAVAILABLE, "gone", "ModelNotReady")) is errors.ModelNotReady
    assert type(error_of(StatusCode.UNAVAILABLE, "gone", "BackendUnavailable")) is errors.BackendUnavailable
