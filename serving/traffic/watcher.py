"""Watches the canary of each model while it gets traffic, and rolls it back when it is worse than stable.

Judges by what all workers counted, so that any of them may find it, and stops its traffic here first: that needs no
disk. The labels follow when they can be written, by whichever worker or gateway comes first.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from serving.catalog import Catalog, ModelEntry
from serving.contract.model_directory import CANARY, STABLE
from serving.errors import PenstockError
from serving.model_store.traffic import Traffic, retire_canary
from serving.observability.cells import Slot
from serving.observability.families import ROLLED_BACK, SIZES, VERSION, Sums, summed
from serving.observability.ledger import Ledger
from serving.traffic.canary_rule import Outcome, Trial, Verdict
from serving.traffic.figures import VersionFigures, figures_of
from serving.traffic.spreads import Spreads

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a trial is of; with other terms it is another trial."""

    canary: int
    stable: int
    traffic: Traffic


@dataclass(slots=True)
class _Watched:
    terms: Terms
    trial: Trial
    rolled_back_before: float
    unwritten: bool = False
    complained: bool = False


def terms_of(entry: ModelEntry) -> Terms | None:
    """None where there is nothing to compare: both labels must have traffic, each a live version of its own."""
    canary, stable = entry.labels.get(CANARY, 0), entry.labels.get(STABLE, 0)
    compared = {canary, stable}
    if (
        not entry.traffic.split.keys() >= {CANARY, STABLE}
        or len(compared) < 2
        or not compared <= entry.servables.keys()
    ):
        return None
    return Terms(canary, stable, entry.traffic)


def version_figures(sums: Sums, model: str) -> dict[int, VersionFigures]:
    """Of every version of the model that was counted, over all workers."""
    records: dict[int, dict[str, list[float]]] = {}
    for (name, version, kind), cells in sums[VERSION].items():
        if name == model:
            records.setdefault(int(version), {})[kind] = list(cells)
    return {version: figures_of(kinds) for version, kinds in records.items()}


@dataclass(slots=True)
class CanaryWatcher:
    """That of one gateway process."""

    models: Path
    catalog: Catalog
    spreads: Spreads
    ledger: Ledger
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _watched: dict[str, _Watched] = field(default_factory=dict)

    async def keep(self) -> None:
        """Look forever."""
        while True:
            await asyncio.sleep(self.catalog.poll_seconds)
            try:
                await self.look()
            except Exception:  # noqa: BLE001 - the outermost loop: whatever one look met, the next is a moment away
                _log.exception("watching the canaries failed")

    def verdict(self, model: str) -> Verdict | None:
        """Of the canary that is watched now, or was last."""
        found = self._watched.get(model)
        return found.trial.verdict if found else None

    def on_trial(self, model: str) -> tuple[int, Outcome] | None:
        """The canary that is compared with stable now, and what is found of it; None where there is none."""
        entry, found = self.catalog.view.models.get(model), self._watched.get(model)
        if entry is None or found is None or terms_of(entry) != found.terms:
            return None
        return found.terms.canary, found.trial.verdict.outcome

    async def look(self) -> None:
        """At every canary once."""
        entries = self.catalog.view.models
        self._watched = {model: watched for model, watched in self._watched.items() if model in entries}
        on_trial = {model: terms for model, entry in entries.items() if (terms := terms_of(entry))}
        if not on_trial:
            return
        sums = summed(self.ledger.read())
        for model, terms in on_trial.items():
            await self._look_at(model, terms, sums)

    async def _look_at(self, model: str, terms: Terms, sums: Sums) -> None:
        figures = version_figures(sums, model)
        control, canary = (figures.get(version, VersionFigures()) for version in (terms.stable, terms.canary))
        rolled_back = sums[ROLLED_BACK].get((model, str(terms.canary)), (0.0,))[0]
        watched = self._watched.get(model)
        if watched is None or watched.terms != terms:
            trial = Trial(control, canary, by_request=terms.traffic.sticky_by is None)
            self._watched[model] = _Watched(terms, trial, rolled_back)
            self._rolled_back_slot(model, terms.canary)  # shows as 0: what begins at 1 looks to Prometheus as no change
            return
        if not self.spreads.is_withdrawn(model, terms.canary):
            verdict = watched.trial.seen(control, canary)
            by_another = rolled_back > watched.rolled_back_before
            if verdict.outcome is not Outcome.WORSE and not by_another:
                return
            self._withdraw(model, watched, counted=by_another)
        if watched.unwritten:
            await self._write(model, watched)

    def _withdraw(self, model: str, watched: _Watched, *, counted: bool) -> None:
        """At once and in memory. Counting is also how the other workers hear of it."""
        canary = watched.terms.canary
        self.spreads.withdraw(model, canary)
        watched.unwritten = True
        if counted:
            watched.trial.verdict = Verdict(Outcome.WORSE, "another worker found it worse")
            return
        cells, at = self._rolled_back_slot(model, canary)
        cells[at] += 1.0
        reason = watched.trial.verdict.reason
        fields = {"event": "canary_rolled_back", "model": model, "version": canary}
        _log.warning("model %s: canary version %d is rolled back: %s", model, canary, reason, extra=fields)

    def _rolled_back_slot(self, model: str, canary: int) -> Slot:
        return self.ledger.own.slot((ROLLED_BACK, model, str(canary)), SIZES[ROLLED_BACK])

    async def _write(self, model: str, watched: _Watched) -> None:
        """Again at each look until it is written, or others have changed what it was about."""
        canary, reason = watched.terms.canary, watched.trial.verdict.reason
        try:
            await asyncio.to_thread(
                retire_canary, self.models, model, canary, by="gateway", reason=reason, now=self.now()
            )
        except PenstockError as error:
            if not watched.complained:
                _log.warning("model %s: the canary gets no traffic here, and keeps its label: %s", model, error)
            watched.complained = True
        else:
            watched.unwritten = False
