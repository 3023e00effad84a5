"""What the package promises to keep; a change here is a change for its users, and belongs in the CHANGELOG."""

import penstock_client

PUBLIC = [
    "AsyncClient",
    "BackendError",
    "BackendOverloaded",
    "BackendRejected",
    "BackendUnavailable",
    "Certificate",
    "Client",
    "ConnectionFailed",
    "DeadlineExceeded",
    "Feature",
    "Forbidden",
    "Hedging",
    "IntegrityError",
    "InternalError",
    "InvalidInput",
    "MissingField",
    "ModelMetadata",
    "ModelNotReady",
    "OutOfRange",
    "Overloaded",
    "PayloadTooLarge",
    "PenstockError",
    "Prediction",
    "Predictions",
    "QuotaExceeded",
    "Retries",
    "Timing",
    "Unauthenticated",
    "UndecodableImage",
    "UnexpectedAnswer",
    "UnknownField",
    "UnknownModel",
    "UnknownVersion",
    "UnreadableFile",
    "UnsupportedMediaType",
    "VersionStatus",
    "WrongDtype",
    "WrongShape",
    "new_traceparent",
]


def test_the_public_names_are_these() -> None:
    assert penstock_client.__all__ == PUBLIC


def test_every_class_that_stands_in_the_package_is_listed() -> None:
    classes = {name for name, value in vars(penstock_client).items() if isinstance(value, type)}
    assert classes | {"new_traceparent"} == set(PUBLIC)
