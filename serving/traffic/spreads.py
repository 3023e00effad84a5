"""Where requests part: the split of each model as the catalog has it now, without the versions that were withdrawn."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from serving.catalog import EMPTY, CatalogView, ModelEntry, ModelReference
from serving.model_store.traffic import Traffic
from serving.traffic.split import Arm, Split, Walk


class Asker(Protocol):
    """Who asks: what a request says beside its body."""

    request_id: str

    def said(self, name: str | None) -> bytes | None:
        """The value of the header or metadata key `name` (lower case); None where it has none, or none is asked for."""


@dataclass(frozen=True, slots=True)
class _Withdrawn:
    """It holds while the directory says what it said then: whoever labels or splits anew begins a new trial."""

    version: int
    labels: Mapping[str, int]
    traffic: Traffic

    def holds(self, entry: ModelEntry) -> bool:
        return (self.labels, self.traffic) == (entry.labels, entry.traffic)


@dataclass(slots=True)
class Spreads:
    """The splits of one gateway process; for one event loop."""

    _view: CatalogView = EMPTY
    _splits: dict[str, Split] = field(default_factory=dict)
    _walks: dict[str, Walk] = field(default_factory=dict)
    _withdrawn: dict[str, _Withdrawn] = field(default_factory=dict)

    def chosen(self, view: CatalogView, reference: ModelReference, asker: Asker | None) -> ModelReference:
        """`reference` itself, or, where it leaves the version open and the model's traffic is split, one of a version
        that was chosen. Without `asker` nobody is known.
        """
        if view is not self._view:
            self.take(view)
        split = self._splits.get(reference.model)
        if split is None or reference.version is not None or reference.label is not None:
            return reference
        key = asker.said(view.models[reference.model].traffic.sticky_by) if asker is not None else None
        arm = split.at(self._walks[reference.model].next()) if key is None else split.of(key)
        return ModelReference(reference.model, arm.version, None, True)

    def shares(self, view: CatalogView, model: str) -> dict[int, float]:
        """What part of the requests that name neither version nor label each version gets; empty where none is live."""
        if view is not self._view:
            self.take(view)
        arms = self._arms(model, view.models[model])
        total, found = sum(arm.weight for arm in arms), dict[int, float]()
        for arm in arms:
            found[arm.version] = found.get(arm.version, 0.0) + arm.weight / total
        usual = view.models[model].answering_version()
        usual_is_live = usual is not None and usual in view.models[model].servables
        return found or ({usual: 1.0} if usual is not None and usual_is_live else {})

    def withdraw(self, model: str, version: int) -> None:
        """No more traffic for this version of the view's model, until its labels or its traffic change."""
        entry = self._view.models[model]
        self._withdrawn[model] = _Withdrawn(version, entry.labels, entry.traffic)
        self.take(self._view)

    def is_withdrawn(self, model: str, version: int) -> bool:
        found = self._withdrawn.get(model)
        return found is not None and found.version == version

    def take(self, view: CatalogView) -> None:
        """Go by this view from now on; `chosen` sees to that by itself."""
        self._view = view
        self._withdrawn = {
            model: withdrawn
            for model, withdrawn in self._withdrawn.items()
            if model in view.models and withdrawn.holds(view.models[model])
        }
        arms = {model: self._arms(model, entry) for model, entry in view.models.items()}
        self._splits = {model: Split(model, found) for model, found in arms.items() if found}
        self._walks = {model: self._walks.get(model, Walk()) for model in self._splits}

    def _arms(self, model: str, entry: ModelEntry) -> list[Arm]:
        """Those of live versions: the others' shares fall to them."""
        return [
            Arm(label, weight, entry.labels[label])
            for label, weight in entry.traffic.split.items()
            if entry.labels.get(label) in entry.servables and not self.is_withdrawn(model, entry.labels[label])
        ]
