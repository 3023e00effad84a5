import itertools
from dataclasses import dataclass, field

import pytest

from serving.errors import PublishError
from serving.model_store.audit import PromotionStep
from serving.promotion.steps import Found, Step, run_steps


@dataclass
class Heard:
    begun: list[str] = field(default_factory=list)
    steps: list[PromotionStep] = field(default_factory=list)

    def begins(self, number: int, of: int, name: str) -> None:
        self.begun.append(f"{number}/{of} {name}")

    def ended(self, step: PromotionStep) -> None:
        self.steps.append(step)


def fail() -> Found:
    raise PublishError("no")


def interrupt() -> Found:
    raise KeyboardInterrupt


def test_steps_are_told_with_what_they_found_and_the_time_they_took() -> None:
    heard, clock = Heard(), itertools.count(0.0, 2.5)
    steps = [Step("files", lambda: Found("3 files")), Step("examples", lambda: Found("none", checked=False))]
    run_steps(steps, heard, lambda: next(clock))
    assert heard.begun == ["1/2 files", "2/2 examples"]
    assert heard.steps == [
        PromotionStep(name="files", outcome="ok", seconds=2.5, detail="3 files"),
        PromotionStep(name="examples", outcome="not checked", seconds=2.5, detail="none"),
    ]


def test_the_first_step_that_fails_is_the_last_one() -> None:
    heard = Heard()
    with pytest.raises(PublishError, match="no"):
        run_steps([Step("a", fail), Step("b", Found)], heard, lambda: 0.0)
    assert heard.steps == [PromotionStep(name="a", outcome="failed", seconds=0.0, detail="no")]


def test_an_interruption_is_told_too() -> None:
    heard = Heard()
    with pytest.raises(KeyboardInterrupt):
        run_steps([Step("a", interrupt)], heard, lambda: 0.0)
    assert heard.steps[0].detail == "interrupted: KeyboardInterrupt"
