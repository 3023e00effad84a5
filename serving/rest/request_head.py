"""What a request says before its body: its id, its deadline, its priority, the model it names.

Pure: header bytes in, facts out.
"""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import NamedTuple

from serving.access.caller import Verb
from serving.access.visitors import Visitor
from serving.batching.events import Lane
from serving.batching.lane_names import lane_named
from serving.catalog import ModelReference
from serving.errors import InvalidInput, UnknownVersion

TIMEOUT_HEADER = b"x-request-timeout-ms"
PRIORITY_HEADER = b"x-priority"
_VERSION = re.compile(r"[0-9]{1,18}")


class RequestHead(NamedTuple):
    """A request's headers, names in lower case as ASGI gives them; of a repeated one the last counts. `visitor` is who
    sends it, None in a gateway that asks nobody.
    """

    headers: Mapping[bytes, bytes]
    visitor: Visitor | None = None

    def visit(self, verb: Verb, model: str | None) -> AbstractContextManager[None]:
        """While the request lasts. Raises Unauthenticated, Forbidden, QuotaExceeded on entering."""
        return nullcontext() if self.visitor is None else self.visitor.visit(verb, model)

    @property
    def media_type(self) -> str:
        """The Content-Type without its parameters, in lower case; empty when there is none."""
        return _media_type(self.headers.get(b"content-type", b""))

    @property
    def given_id(self) -> str | None:
        """The caller's `X-Request-Id`, as it came."""
        given = self.headers.get(b"x-request-id")
        return None if given is None else given.decode("latin-1")

    def timeout_seconds(self, most: float) -> float:
        """The caller's `X-Request-Timeout-Ms`, `most` at the most; InvalidInput when it is no positive number."""
        text = self.headers.get(TIMEOUT_HEADER)
        if text is None:
            return most
        try:
            milliseconds = float(text)
        except ValueError:
            milliseconds = 0.0
        if not milliseconds > 0:
            raise InvalidInput("X-Request-Timeout-Ms is not a positive number of milliseconds")
        return min(most, milliseconds / 1000)

    def said(self, name: str | None) -> bytes | None:
        """The header `name` (lower case), None where it has none."""
        return None if name is None else self.headers.get(name.encode())

    def lane(self) -> Lane | None:
        """The caller's `X-Priority`, None where it has none; InvalidInput when it is no lane's name."""
        text = self.headers.get(PRIORITY_HEADER)
        return None if text is None else lane_named(text.decode("latin-1"))


@lru_cache(256)
def _media_type(content_type: bytes) -> str:
    return content_type.split(b";")[0].strip().lower().decode("latin-1")


def reference_of(parameters: Mapping[str, str]) -> ModelReference:
    """The model that a path names; raises UnknownVersion for a version that is not a number."""
    version = parameters.get("version")
    if version is not None and not _VERSION.fullmatch(version):
        raise UnknownVersion(f"{version[:64]!r} is not a version number; labels are under /labels/")
    return ModelReference(parameters["model"], int(version) if version else None, parameters.get("label"))
