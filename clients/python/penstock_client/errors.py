"""The error tree of the client: the gateway's own names, so that one word means one thing on both sides.

Nothing here knows HTTP; `error_answers.py` has the table from answers to these classes.

PenstockError
├── InvalidInput                 the caller can mend it; `field` names the place (RFC 6901)
│   ├── UnknownField             a feature the model does not have
│   ├── MissingField             a feature without a value and without a default
│   ├── WrongShape               right values, wrong nesting or length
│   ├── WrongDtype               a string where a number belongs, and the like
│   ├── OutOfRange               NaN, infinity, overflow, or outside the feature's declared range
│   ├── UndecodableImage         bytes that are not an image the gateway reads
│   ├── PayloadTooLarge          over the gateway's limit on bytes or rows
│   ├── UnsupportedMediaType     a Content-Type that the gateway does not read
│   └── UnreadableFile           a file that cannot be read on this side; the gateway was not asked
├── UnknownModel
├── UnknownVersion               the model exists, that version or label of it does not
├── ModelNotReady                it exists and is not available yet, or any more
├── Overloaded                   no room; `retry_after_seconds` says when there should be
├── DeadlineExceeded             no answer within `timeout_seconds`, told by the gateway or by this side's clock
├── QuotaExceeded                the caller's own allowance is used up; `retry_after_seconds`
├── Unauthenticated
├── Forbidden
├── BackendError                 the model server behind the gateway failed
│   ├── BackendUnavailable       nobody answers there; the same call may succeed later
│   ├── BackendOverloaded        it has no room for this call now
│   └── BackendRejected          it answered that this call cannot be done
├── IntegrityError               a file of the model is not what its manifest says
├── InternalError                nobody foresaw it; the gateway's log has it under the request id
├── ConnectionFailed             the gateway itself cannot be reached
└── UnexpectedAnswer             something answered, and not as Penstock's gateway does
"""

from collections.abc import Sequence
from typing import Any


class PenstockError(Exception):
    """Root of the tree: `except PenstockError` catches whatever a call can raise, wrong use (ValueError) aside.

    `field` is a JSON pointer into the request, such as `/instances/0/age`; `request_id` is what the gateway's
    logs call the request; `retry_after_seconds` is how long to wait. Each is None where the gateway said nothing.
    `answered` holds the Predictions of the rows before the one that `field` names, where `predict_many` raised it.
    """

    answered: Sequence[Any] = ()

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        request_id: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.request_id = request_id
        self.retry_after_seconds = retry_after_seconds

    def __str__(self) -> str:
        return f"{self.message} (at {self.field})" if self.field else self.message


class InvalidInput(PenstockError):
    pass


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


class UnreadableFile(InvalidInput):
    pass


class UnknownModel(PenstockError):
    pass


class UnknownVersion(PenstockError):
    pass


class ModelNotReady(PenstockError):
    pass


class Overloaded(PenstockError):
    pass


class DeadlineExceeded(PenstockError):
    pass


class QuotaExceeded(PenstockError):
    pass


class Unauthenticated(PenstockError):
    pass


class Forbidden(PenstockError):
    pass


class BackendError(PenstockError):
    pass


class BackendOverloaded(BackendError):
    pass


class BackendUnavailable(BackendError):
    pass


class BackendRejected(BackendError):
    pass


class IntegrityError(PenstockError):
    pass


class InternalError(PenstockError):
    pass


class ConnectionFailed(PenstockError):
    pass


class UnexpectedAnswer(PenstockError):
    pass
