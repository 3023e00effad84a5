"""What a gRPC status of a model server means here: one table, read once at the border.

Pure. What the server says about itself (its address, its folders, our credentials) is not for the caller's eyes.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from grpc import StatusCode

from serving import errors

MESSAGE_CHARACTERS = 1000
_FOLDERS = re.compile(r"(?<![\w.])/(?:[^\s/:;,'\"]+/)+")
_TOO_LARGE = "larger than max"
"""In gRPC's own message on either side, which comes as RESOURCE_EXHAUSTED and yet never ends by waiting."""

ERRORS: Mapping[StatusCode, type[errors.PenstockError]] = MappingProxyType(
    {
        StatusCode.UNAVAILABLE: errors.BackendUnavailable,
        StatusCode.CANCELLED: errors.BackendUnavailable,  # what a server that stops says to the calls it still has
        StatusCode.ABORTED: errors.BackendUnavailable,
        StatusCode.RESOURCE_EXHAUSTED: errors.BackendOverloaded,
        StatusCode.INVALID_ARGUMENT: errors.BackendRejected,
        StatusCode.OUT_OF_RANGE: errors.BackendRejected,
        StatusCode.NOT_FOUND: errors.ModelNotReady,
        StatusCode.FAILED_PRECONDITION: errors.ModelNotReady,
        StatusCode.DEADLINE_EXCEEDED: errors.DeadlineExceeded,
        StatusCode.UNIMPLEMENTED: errors.BackendError,
        StatusCode.PERMISSION_DENIED: errors.BackendError,  # the gateway's credentials and not the caller's
        StatusCode.UNAUTHENTICATED: errors.BackendError,
        StatusCode.INTERNAL: errors.BackendError,
        StatusCode.UNKNOWN: errors.BackendError,
        StatusCode.DATA_LOSS: errors.BackendError,
        StatusCode.ALREADY_EXISTS: errors.BackendError,
    }
)
_TELLING = (errors.BackendRejected, errors.ModelNotReady)
"""Of these the server's own words help whoever asked."""
_PLAIN: Mapping[type[errors.PenstockError], str] = MappingProxyType(
    {
        errors.BackendUnavailable: "the model server did not answer",
        errors.BackendOverloaded: "the model server has no room for this call now",
        errors.DeadlineExceeded: "the model server did not answer before the deadline",
    }
)
MENDABLE: tuple[type[errors.PenstockError], ...] = (errors.BackendUnavailable, errors.ModelNotReady)
"""Another replica may do what this one did not; nothing is known against the input."""


ERROR_NAME = "x-error-code"
"""The key of trailing metadata under which a gateway of ours names its error."""


def error_of(code: StatusCode, details: str, name: str = "") -> errors.PenstockError:
    """The error of our tree that a failed call is. `name` is what a gateway of ours called it: the status that it gives
    a version which it has no more, UNAVAILABLE, has callers try again, and looks like a server that does not answer.
    """
    if name == errors.ModelNotReady.__name__:
        code = StatusCode.NOT_FOUND
    if code is StatusCode.RESOURCE_EXHAUSTED and _TOO_LARGE in details:
        return errors.BackendRejected(
            "the batch or its answer is larger than one message may be; "
            "raise tfserving_max_message_bytes and the model server's own limit"
        )
    kind = ERRORS.get(code, errors.BackendError)
    if kind in _TELLING:
        return kind(shown(details) or f"the model server said {code.name}")
    return kind(_PLAIN.get(kind, f"the model server failed ({code.name})"))


def speaks_against_replica(error: errors.PenstockError) -> bool:
    """Whether so many of these in a row make the replica an outlier. Deadlines are judged apart: they may be short."""
    innocent = errors.BackendRejected | errors.BackendOverloaded
    return isinstance(error, errors.BackendError) and not isinstance(error, innocent)


def shown(message: str) -> str:
    """A server's message without the folders of its files, at most MESSAGE_CHARACTERS long."""
    return _FOLDERS.sub("", message)[:MESSAGE_CHARACTERS]
