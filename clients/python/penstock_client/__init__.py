"""Python client of Penstock's prediction gateway; it needs no TensorFlow and no numpy.

`Client` is the way in, `AsyncClient` the same by `await`. What is listed in `__all__` is public and
stays; everything else may change.
"""

from penstock_client.async_client import AsyncClient
from penstock_client.client import Client
from penstock_client.errors import (
    BackendError,
    BackendOverloaded,
    BackendRejected,
    BackendUnavailable,
    ConnectionFailed,
    DeadlineExceeded,
    Forbidden,
    IntegrityError,
    InternalError,
    InvalidInput,
    MissingField,
    ModelNotReady,
    OutOfRange,
    Overloaded,
    PayloadTooLarge,
    PenstockError,
    QuotaExceeded,
    Unauthenticated,
    UndecodableImage,
    UnexpectedAnswer,
    UnknownField,
    UnknownModel,
    UnknownVersion,
    UnreadableFile,
    UnsupportedMediaType,
    WrongDtype,
    WrongShape,
)
from penstock_client.hedging import Hedging
from penstock_client.metadata import Feature, ModelMetadata, VersionStatus
from penstock_client.prediction import Prediction
from penstock_client.predictions import Predictions
from penstock_client.retrying import Retries
from penstock_client.settings import Certificate
from penstock_client.timing import Timing
from penstock_client.trace_context import new_traceparent

__all__ = [
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
