"""The border between the operating system's errors and ours: a failing disk becomes a PublishError, once, here.

Only for work that changes the model directory; what merely reads it raises IntegrityError where it reads.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from serving.errors import PublishError

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def disk_errors(failure: str) -> Iterator[None]:
    """Raises PublishError, `failure` and the reason, for an OSError of the body; other errors pass."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        if error.errno in NO_SPACE:
            reason = "no space left on the model directory's volume; prune versions or grow it, then try again"
        raise PublishError(f"{failure}: {reason}") from error
