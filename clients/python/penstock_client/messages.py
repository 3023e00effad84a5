"""What goes over the wire, without the wire: the request to send, the answer that came, whom a request addresses.

Pure. A flow is a generator that yields each Request it wants sent and is handed the Response; what it returns is
the result of the call. Any transport can run one, as httpx's clients run an `auth_flow`.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypeVar
from urllib.parse import quote

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Request:
    """`path` begins with `/` and follows the gateway's URL. Over gRPC it names the method, `headers` are metadata.

    The headers hold credentials, so that they are not shown.
    """

    method: Literal["GET", "POST"]
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = b""

    def with_headers(self, more: Mapping[str, str]) -> "Request":
        return Request(self.method, self.path, {**self.headers, **more}, self.body)


@dataclass(frozen=True, slots=True)
class Response:
    """Header names are in lower case. Over gRPC, `status` is the call's status code and `headers` its metadata."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Flow: TypeAlias = Generator[Request, Response, Result]


@dataclass(frozen=True, slots=True)
class Address:
    """Whom a request asks: a model, and of it a version, a label, or whichever version the gateway chooses."""

    model: str
    version: int | None = None
    label: str | None = None

    def __post_init__(self) -> None:
        if not self.model:
            raise ValueError("the model's name is empty; models() lists what the gateway serves")
        if self.version is not None and self.label is not None:
            raise ValueError(f"version {self.version} and label {self.label!r} were given; name one of them")

    @property
    def path(self) -> str:
        base = f"/v1/models/{quote(self.model, safe='')}"
        if self.version is not None:
            return f"{base}/versions/{self.version}"
        if self.label is not None:
            return f"{base}/labels/{quote(self.label, safe='')}"
        return base
