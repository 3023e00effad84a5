"""What the package promises to keep; a change here is a change for its users, and belongs in the CHANGELOG."""

import penstock_client

PUBLIC = [
    "BackendError",
    "BackendOverloaded",
    "BackendRejected",
    "BackendUnavailable",
    "Client",
    "ConnectionFailed",
    "DeadlineExceeded",
    "Feature",
    "Forbidden",
    "IntegrityError",
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
]


def test_the_public_names_are_these() -> None:
    assert penstock_client.__all__ == PUBLIC


def test_every_class_that_stands_in_the_package_is_listed() -> None:
    classes = {name for name, value in vars(penstock_client).items() if isinstance(value, type)}
    assert classes == set(PUBLIC)
