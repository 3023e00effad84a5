"""What a storm asks of a fault, whatever it does."""

from typing import Protocol

from tests.integration.chaos.questions import Outcome

NOBODY: frozenset[Outcome] = frozenset()
"""The harm of a fault that no request may notice."""
REFUSALS = frozenset({Outcome.REFUSED})
BREAKS = frozenset({Outcome.FAILED})
"""Connections may break, of a process that is killed."""


class Fault(Protocol):
    """Begun, held for a while if it `lasts`, and ended.

    `harm` are the outcomes, beside a right answer, that requests may have from its beginning until the gateway has
    recovered, which is promised within `recovers_seconds` of its end.
    """

    @property
    def name(self) -> str: ...

    @property
    def lasts(self) -> bool: ...

    @property
    def harm(self) -> frozenset[Outcome]: ...

    @property
    def recovers_seconds(self) -> float: ...

    def begin(self) -> None: ...

    def end(self) -> None: ...
