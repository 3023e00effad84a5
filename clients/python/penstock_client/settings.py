"""What a client may be told when it is made, checked once."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from os import PathLike
from typing import TypedDict

from penstock_client.clocks import Clock, SystemClock
from penstock_client.hedging import Hedging
from penstock_client.retrying import Retries
from penstock_client.transports import AsyncTransport, Transport

DEFAULT_TIMEOUT_SECONDS = 10.0
"""Long against a prediction's milliseconds, short against a person's patience."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What this client shows to a server that asks who it is: PEM files, the key without a password."""

    certificate_file: str | PathLike[str]
    key_file: str | PathLike[str]


class SettingsArguments(TypedDict, total=False):
    """As keyword arguments; `ClientSettings` says what each means."""

    timeout_seconds: float
    retries: Retries | None
    hedging: Hedging | None
    api_key: str | None
    token: str | Callable[[], str] | None
    traceparent: Callable[[], str | None] | None
    ca_file: str | PathLike[str] | None
    certificate: Certificate | None
    transport: Transport | AsyncTransport | None
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """What `Client` and `AsyncClient` take, each by its name. Raises ValueError for what makes no sense.

    `timeout_seconds` is a call's deadline, unless the call has its own: all its attempts end within it, and the
    gateway is told what remains. `retries` says how failed requests are repeated, None that they are not; `hedging`
    that slow ones are sent twice. `api_key` goes as X-API-Key; `token` as a bearer's, and where it expires a
    function that gives the current one. `traceparent` is asked at each call for the trace that it belongs to. TLS is
    checked against `ca_file` (PEM) in place of the machine's authorities, and `certificate` is shown. `transport`
    takes the place of the network, and `clock` that of time, in tests.
    """

    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    retries: Retries | None = field(default_factory=Retries)
    hedging: Hedging | None = None
    api_key: str | None = field(default=None, repr=False)
    token: str | Callable[[], str] | None = field(default=None, repr=False)
    traceparent: Callable[[], str | None] | None = None
    ca_file: str | PathLike[str] | None = None
    certificate: Certificate | None = None
    transport: Transport | AsyncTransport | None = None
    clock: Clock = field(default_factory=SystemClock)

    def __post_init__(self) -> None:
        check_timeout(self.timeout_seconds)
        if self.api_key is not None and self.token is not None:
            raise ValueError("api_key and token were given; name one of them")
        for name, secret in (("api_key", self.api_key), ("token", self.token)):
            if isinstance(secret, str):
                check_credential(name, secret)


def check_credential(name: str, secret: str) -> None:
    """Its text is not shown: wherever the error is written, the secret is not. Raises ValueError."""
    if not (secret and secret.isascii() and secret.isprintable()):
        raise ValueError(
            f"{name} is empty or holds what no header can carry, such as the end of a line it was read from; strip it"
        )


def check_timeout(timeout_seconds: float) -> None:
    if not 0 < timeout_seconds < math.inf:
        raise ValueError(f"timeout_seconds is {timeout_seconds}; it must be above 0 and finite")
