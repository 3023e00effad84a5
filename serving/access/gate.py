"""Who is let in, and to what: the decision, by whatever credentials the gateway has.

Pure. A model that a caller may not see is refused by its name alone, before anybody looks whether it exists: Forbidden
either way, so that nobody learns the names of others' models by asking.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from serving.access.caller import Caller, Credentials, Presented, Verb
from serving.access.presented import NOTHING
from serving.errors import Forbidden, Unauthenticated

_SAYS = {Verb.PREDICT: "ask for predictions", Verb.READ: "read what is served here", Verb.METRICS: "read the metrics"}


class Admitted(NamedTuple):
    """A caller as one of the credentials knew it, good until that changes or the caller's time is up."""

    caller: Caller
    source: Credentials
    generation: int
    expires_at_seconds: float

    def holds(self, now_seconds: float) -> bool:
        """Whether it need not be asked for again; some 100 ns."""
        return self.source.generation == self.generation and now_seconds < self.expires_at_seconds


class Gate:
    """`credentials` are asked in turn; the first that knows the kind of credential decides."""

    def __init__(self, credentials: Sequence[Credentials]) -> None:
        self._credentials = tuple(credentials)

    def admit(self, presented: Presented, now_seconds: float) -> Admitted:
        """Raises Unauthenticated. `now_seconds` is Unix time."""
        if presented == NOTHING:
            raise Unauthenticated("no credential came; send an API key as X-API-Key, or Authorization: Bearer <token>")
        for source in self._credentials:
            generation = source.generation
            caller = source.caller_of(presented, now_seconds)
            if caller is not None:
                until = math.inf if caller.expires_at_seconds is None else caller.expires_at_seconds
                if now_seconds >= until:
                    break
                return Admitted(caller, source, generation, until)
        kind = "an API key" if presented.token is None else "a token"
        raise Unauthenticated(f"{kind} came that is not, or no longer, one of this gateway's; ask its operator for one")


def check(caller: Caller, verb: Verb, model: str | None) -> None:
    """Raises Forbidden, which names the caller and what it asked for; `model` is what the request named."""
    if caller.may(verb, model):
        return
    if verb not in caller.verbs:
        verbs = " and ".join(sorted(caller.verbs)) or "nothing"
        raise Forbidden(f"{caller.name!r} may not {_SAYS[verb]}: its credential is for {verbs}, not {verb}")
    raise Forbidden(
        f"{caller.name!r} may not {_SAYS[verb]} of model {(model or '')[:128]!r}: its credential is for others"
    )
