"""Who calls, as a credential says it: what they may ask, of which models, and how much.

Pure. Where credentials come from is `key_file.py` and `tokens.py`; here is what both of them become.
"""

from enum import StrEnum
from typing import NamedTuple, Protocol

ALL_MODELS = "*"


class Verb(StrEnum):
    """What a request does. Probes (`/livez`, `/readyz`, the health of both protocols) are nobody's to ask for."""

    PREDICT = "predict"
    READ = "read"
    """Metadata, status, statistics, the console's figures, reports and the API's pages: nothing is computed."""
    METRICS = "metrics"
    """`/metrics`, which names every model."""


class Quota(NamedTuple):
    """A caller's allowance at one gateway; None is no limit."""

    rows_per_second: float | None = None
    concurrent_requests: int | None = None


class Caller(NamedTuple):
    """`name` is the tenant: whom requests are counted for among others. It is no secret, and may stand in a log."""

    name: str
    verbs: frozenset[Verb]
    models: frozenset[str]
    """Names of models, or ALL_MODELS."""
    quota: Quota = Quota()
    expires_at_seconds: float | None = None
    """Unix time; from then on the credential is no longer one."""

    def may(self, verb: Verb, model: str | None) -> bool:
        """Of a `model`, or of all of them together where it is None: a list is shown, cut to what may be seen."""
        return verb in self.verbs and (model is None or ALL_MODELS in self.models or model in self.models)


class Presented(NamedTuple):
    """A credential as it came, not yet believed: an API key (`X-API-Key`) or a bearer token (`Authorization`)."""

    api_key: bytes | None = None
    token: bytes | None = None

    def __repr__(self) -> str:
        return f"Presented(api_key={self.api_key and '...'}, token={self.token and '...'})"  # neither is for a log


class Credentials(Protocol):
    """Something that knows callers by what they present: a file of API keys, an issuer of tokens."""

    generation: int
    """Raised by each change that may take a credential away, so that whoever remembers a caller asks again."""

    def caller_of(self, presented: Presented, now_seconds: float) -> Caller | None:
        """None where this is not its kind of credential. Raises Unauthenticated, and says no more than it must: wrong,
        revoked and unknown are one. `now_seconds` is Unix time. Does no I/O: it is asked on the event loop.
        """
        ...
