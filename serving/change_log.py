"""What changes in what is served, as events of the log: versions that come and go, labels that move."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field

from serving.catalog import EMPTY, Catalog, CatalogView, ModelEntry
from serving.model_store.label_following import Following

FOREVER_SECONDS = 86_400.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """`event` is version_live, version_gone or label_moved; `version` is None where a label answers no more."""

    event: str
    model: str
    version: int | None
    label: str = ""

    def __str__(self) -> str:
        if self.event != "label_moved":
            return f"model {self.model} version {self.version} is {self.event.removeprefix('version_')}"
        if self.version is None:
            return f"model {self.model}: the label {self.label} is gone"
        return f"model {self.model}: the label {self.label} is version {self.version}'s"


@dataclass(slots=True)
class ChangeLog:
    """Follows one catalog."""

    catalog: Catalog
    _told: CatalogView = field(default=EMPTY)

    async def keep(self) -> None:
        """Forever."""
        while True:
            self.tell()
            await self.catalog.another_view(self._told, FOREVER_SECONDS)

    def tell(self) -> None:
        view = self.catalog.view
        for change in changes(self._told, view):
            fields = {"event": change.event, "model": change.model, "version": change.version}
            _log.info("%s", change, extra=fields | ({"label": change.label} if change.label else {}))
        self._told = view


def changes(before: CatalogView, after: CatalogView) -> Iterator[Change]:
    """Model by model, what is live first."""
    nothing = ModelEntry({}, {}, {}, Following())
    for model in sorted(before.models.keys() | after.models.keys()):
        old, new = before.models.get(model, nothing), after.models.get(model, nothing)
        for version in sorted(new.servables.keys() - old.servables.keys()):
            yield Change("version_live", model, version)
        for version in sorted(old.servables.keys() - new.servables.keys()):
            yield Change("version_gone", model, version)
        for label in sorted(old.labels.keys() | new.labels.keys()):
            if old.labels.get(label) != new.labels.get(label):
                yield Change("label_moved", model, new.labels.get(label), label)
