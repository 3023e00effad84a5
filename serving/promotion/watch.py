"""The watch after a label has moved: the new version's errors and latency against the old one's, by the canary's rule.

The old version's figures are those of its life until the move; scores are not compared, since the callers of now are
not those of then.
"""

from dataclasses import dataclass

from serving.errors import PublishError
from serving.promotion.gateway_protocol import Gateway
from serving.promotion.patience import Patience
from serving.promotion.steps import Found
from serving.traffic.canary_rule import Outcome, Trial
from serving.traffic.figures import VersionFigures

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
    _control: VersionFigures = NONE_YET

    def begin(self, previous: int | None) -> None:
        """Before the label moves: what it answers with until then is what the version is compared with."""
        self._previous = previous
        if previous is None or previous == self.version:
            return
        own = self.gateway.figures(self.model, as_quick=True).get(self.version, NONE_YET)
        self._control = self.gateway.figures(self.model, as_quick=False).get(previous, NONE_YET)
        self._trial = Trial(NONE_YET, own, by_request=False)

    def keep(self) -> Found:
        """Raises PublishError as soon as the version is worse."""
        trial = self._trial
        if trial is None:
            return Found("no version answered before", checked=False)

        def worse() -> bool:
            own = self.gateway.figures(self.model, as_quick=True).get(self.version, NONE_YET)
            return trial.seen(self._control, own).outcome is Outcome.WORSE

        if self.patience.until(worse):
            raise PublishError(f"version {self.version} is worse than {self._previous}: {trial.verdict.reason}")
        return Found(trial.verdict.reason, checked=trial.verdict.outcome is Outcome.FINE)
