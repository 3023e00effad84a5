"""A promotion's steps: what each is called, what it found, how long it took, and who is told.

Pure: the steps' own work is handed in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from serving.errors import PenstockError
from serving.model_store.audit import PromotionStep


@dataclass(frozen=True, slots=True)
class Found:
    """What a step found, for people. `checked` is False where there was nothing to check the version by."""

    detail: str = ""
    checked: bool = True


class Step(NamedTuple):
    """`act` raises PenstockError, with the remedy, when the version must not go on."""

    name: str
    act: Callable[[], Found]


class Witness(Protocol):
    """Who is told of the steps as they come and go."""

    def begins(self, number: int, of: int, name: str) -> None: ...
    def ended(self, step: PromotionStep) -> None: ...


def run_steps(steps: Sequence[Step], witness: Witness, clock: Callable[[], float]) -> None:
    """One after the other, up to the first that fails, whose error is raised once the witness has heard of it."""
    for number, step in enumerate(steps, 1):
        witness.begins(number, len(steps), step.name)
        started = clock()
        try:
            found = step.act()
        except BaseException as error:
            reason = str(error) if isinstance(error, PenstockError) else f"interrupted: {type(error).__name__}"
            witness.ended(PromotionStep(name=step.name, outcome="failed", seconds=clock() - started, detail=reason))
            raise
        witness.ended(
            PromotionStep(
                name=step.name,
                outcome="ok" if found.checked else "not checked",
                seconds=clock() - started,
                detail=found.detail,
            )
        )
