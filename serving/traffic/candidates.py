"""Takes away what killed promotions have left: a version labelled `candidate` that nobody checks any more."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from serving.catalog import Catalog
from serving.contract.model_directory import CANDIDATE
from serving.errors import PenstockError
from serving.model_store.candidacy import clear_abandoned

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class CandidateKeeper:
    """That of one gateway process; of several, one clears."""

    models: Path
    catalog: Catalog
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _complained: set[str] = field(default_factory=set)

    async def keep(self) -> None:
        """Look forever."""
        while True:
            await asyncio.sleep(self.catalog.poll_seconds)
            try:
                await self.look()
            except Exception:  # noqa: BLE001 - the outermost loop: whatever one look met, the next is a moment away
                _log.exception("looking for what promotions have left failed")

    async def look(self) -> None:
        """At every model with a candidate, once; without one nothing is read."""
        entries = self.catalog.view.models.items()
        for model in [model for model, entry in entries if CANDIDATE in entry.pointed or entry.traffic.counted]:
            try:
                cleared = await asyncio.to_thread(clear_abandoned, self.models, model, by="gateway", now=self.now())
            except PenstockError as error:
                if model not in self._complained:
                    _log.warning("model %s keeps the label of a promotion that is gone: %s", model, error)
                self._complained.add(model)
                continue
            if cleared:
                self._complained.discard(model)
                _log.warning("model %s: a promotion ended without a word; its candidate is cleared", model)
