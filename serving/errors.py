"""The error tree of the whole product.

These classes say what went wrong in the domain's words; they know no HTTP and no gRPC. The statuses live in
one table per protocol (`serving/rest/error_responses.py`), looked up along a class's method resolution order.

PenstockError
├── InvalidInput                 the caller can mend it; `pointer` names the field (RFC 6901)
│   ├── UnknownField             a feature the model does not have
│   ├── MissingField             a feature without a value and without a default
│   ├── WrongShape               right values, wrong nesting or length
│   ├── WrongDtype               a string where a number belongs, and the like
│   ├── OutOfRange               NaN, infinity, overflow, or outside the feature's declared range
│   ├── UndecodableImage         bytes that are not an image we read
│   ├── PayloadTooLarge          over the limit on bytes or rows
│   └── UnsupportedMediaType     a Content-Type that no decoder reads
├── UnknownModel
├── UnknownVersion               the model exists, that version or label of it does not
├── ModelNotReady                it exists and is not available yet, or any more
├── Overloaded                   no room; `retry_after_seconds` says when there should be
├── DeadlineExceeded             the caller's time ran out
├── Cancelled                    the caller has gone; there is nobody to answer
├── QuotaExceeded                the caller's own allowance is used up; `retry_after_seconds`
├── Unauthenticated
├── Forbidden
├── BackendError                 the model server failed
│   ├── BackendUnavailable       nobody answers there; the same call may succeed later
│   ├── BackendOverloaded        it has no room for this call now (RESOURCE_EXHAUSTED)
│   └── BackendRejected          it answered that this call cannot be done
├── PublishError                 a version could not be published, labelled or pruned
│   └── StoreUnavailable         the object store does not answer, or refuses; the same may succeed later
├── IntegrityError               a file on disk is not what its manifest or schema says
├── InvalidSettings              the settings, all faults together
├── InternalError                nobody foresaw it; the log has it under the request's id
└── InvalidJob                   a job file that says something we cannot do
"""


class PenstockError(Exception):
    """Root of the tree; never raised itself. `str(error)` is safe to show to a caller: no path, no traceback."""


class InvalidInput(PenstockError):
    """The request cannot be answered as sent. `pointer` is an RFC 6901 JSON pointer, empty for the whole body."""

    def __init__(self, message: str, *, pointer: str = "") -> None:
        super().__init__(message)
        self.pointer = pointer


class UnknownField(InvalidInput):
    pass


class MissingField(InvalidInput):
    pass


class WrongShape(InvalidInput):
    pass


class WrongDtype(InvalidInput):
    pass


class OutOfRange(InvalidInput):
    pass


class UndecodableImage(InvalidInput):
    pass


class PayloadTooLarge(InvalidInput):
    pass


class UnsupportedMediaType(InvalidInput):
    pass


class UnknownModel(PenstockError):
    pass


class UnknownVersion(PenstockError):
    pass


class ModelNotReady(PenstockError):
    pass


class RetryLater(PenstockError):
    """Shared by the errors that end by themselves; never raised itself."""

    def __init__(self, message: str, *, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Overloaded(RetryLater):
    pass


class QuotaExceeded(RetryLater):
    pass


class DeadlineExceeded(PenstockError):
    pass


class Cancelled(PenstockError):
    pass


class Unauthenticated(PenstockError):
    pass


class Forbidden(PenstockError):
    pass


class BackendError(PenstockError):
    pass


class BackendUnavailable(BackendError):
    pass


class BackendOverloaded(BackendError):
    pass


class BackendRejected(BackendError):
    pass


class PublishError(PenstockError):
    pass


class StoreUnavailable(PublishError):
    pass


class IntegrityError(PenstockError):
    pass


class InvalidSettings(PenstockError):
    pass


class InternalError(PenstockError):
    pass


class InvalidJob(PenstockError):
    pass
