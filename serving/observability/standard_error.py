"""Standard error as whoever writes lines in a thread needs it: whole, and past Python's own buffer."""

import os

_STANDARD_ERROR = 2


def to_stderr(content: bytes) -> None:
    """Returns when all of it is written, which may take until somebody reads. Raises OSError."""
    while content:
        content = content[os.write(_STANDARD_ERROR, content) :]
