"""The id a request is known by in its answer and in the log."""

import re
import secrets
from itertools import count

REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")


class RequestIds:
    """The caller's id where it sent a plain one, else one of ours: unique across processes, cheap to make."""

    def __init__(self) -> None:
        self._prefix = secrets.token_hex(6)
        self._numbers = count(1)

    def of(self, given: str | None) -> str:
        if given is not None and REQUEST_ID.fullmatch(given):
            return given
        return f"{self._prefix}-{next(self._numbers):x}"
