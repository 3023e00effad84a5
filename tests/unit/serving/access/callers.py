"""Credentials that a test changes at will, in the place of a file of keys."""

from dataclasses import dataclass, field

from serving.access.caller import Caller, Presented, Quota, Verb
from serving.errors import Unauthenticated

EVERYTHING = frozenset(Verb)
UNLIMITED = Quota()


def caller(
    name: str = "app",
    *verbs: Verb,
    models: frozenset[str] = frozenset({"*"}),
    quota: Quota = UNLIMITED,
    expires_at_seconds: float | None = None,
) -> Caller:
    return Caller(name, frozenset(verbs) or EVERYTHING, models, quota, expires_at_seconds)


@dataclass(slots=True)
class Keys:
    """Callers by API key; `asked` counts how often somebody had to look."""

    callers: dict[bytes, Caller] = field(default_factory=dict)
    generation: int = 0
    asked: int = 0

    def change(self, key: bytes, found: Caller | None) -> None:
        self.callers = {name: one for name, one in self.callers.items() if name != key}
        if found is not None:
            self.callers[key] = found
        self.generation += 1

    def caller_of(self, presented: Presented, now_seconds: float) -> Caller | None:
        del now_seconds
        if presented.api_key is None:
            return None
        self.asked += 1
        if presented.api_key not in self.callers:
            raise Unauthenticated("the API key is not one of this gateway's")
        return self.callers[presented.api_key]
