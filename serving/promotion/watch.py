"""The watch after a label has moved: the new version against the one that answered until then, by the canary's rule.

All that the rule compares is compared. Both versions' requests are those of this promotion: the old one's are counted
from its beginning to the move, and the move waits for ENOUGH_REQUESTS of them, but no longer than the watch is to last.
"""

from dataclasses import dataclass

from serving.errors import PublishError
from serving.promotion.gateway_protocol import Gateway
from serving.promotion.patience import Patience
from serving.promotion.steps import Found
from serving.traffic.canary_rule import ENOUGH_REQUESTS, Outcome, Trial
from serving.traffic.figures import Since, VersionFigures

NONE_YET = VersionFigures()


@dataclass(slots=True)
class Watch:
    """Of one version; `patience` lasts as long as the watch is to."""

    gateway: Gateway
    model: str
    version: int
    patience: Patience
    _previous: int | None = None
    _trial: Trial | None = None
    _asked: Since | None = None
    """Of the previous version."""
    _control: VersionFigures = NONE_YET

    def begin(self, previous: int | None) -> None:
        """Once counting has begun: `previous` is what the version is to be compared with."""
        self._previous = None if previous == self.version else previous
        if self._previous is not None:
            self._asked = Since(self._figures(self._previous))

    def gather(self) -> None:
        """Before the label moves."""
        previous, asked = self._previous, self._asked
        if previous is None or asked is None:
            return

        def has_enough() -> bool:
            self._control = asked.read(self._figures(previous))
            return self._control.answered >= ENOUGH_REQUESTS

        self.patience.until(has_enough)
        self._trial = Trial(NONE_YET, self._figures(self.version), by_request=True)

    def _figures(self, version: int) -> VersionFigures:
        return self.gateway.figures(self.model).get(version, NONE_YET)

    def keep(self) -> Found:
        """Raises PublishError as soon as the version is worse."""
        trial = self._trial
        if trial is None:
            return Found("no version answered before", checked=False)

        def worse() -> bool:
            return trial.seen(self._control, self._figures(self.version)).outcome is Outcome.WORSE

        if self.patience.until(worse):
            raise PublishError(f"version {self.version} is worse than {self._previous}: {trial.verdict.reason}")
        return Found(trial.verdict.reason, checked=trial.verdict.outcome is Outcome.FINE)
