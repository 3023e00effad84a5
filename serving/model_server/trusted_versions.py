"""Which versions a model server is told of: those that may be loaded. The server itself loads whatever it is told of.

What may be loaded stays so while it is there, so that a disk which fails unloads nothing; what may not is looked at
again, ever more rarely, for somebody may sign it.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from serving.errors import IntegrityError
from serving.model_store.snapshot import DirectorySnapshot, ModelOnDisk
from serving.model_store.trust import Trust, check_version

LONGEST_PAUSE_LOOKS = 64
"""Between two readings of a version that was refused: a minute, where there is a look every second."""


@dataclass(frozen=True, slots=True)
class _Verdict:
    """`fault` None: it may be loaded; otherwise `looks` counts the looks at the directory since it came."""

    fault: str | None
    looks: int

    @property
    def is_due(self) -> bool:
        """Whether to read it again: at the second, fourth, eighth look and so on, and then at every 64th."""
        return self.fault is not None and (self.looks % LONGEST_PAUSE_LOOKS == 0 or self.looks.bit_count() == 1)


class TrustedVersions:
    """Remembers what was found of each version of a model directory."""

    def __init__(self, models: Path, trust: Trust) -> None:
        self._models, self._trust = models, trust
        self._verdicts: dict[tuple[str, int], _Verdict] = {}

    def of(self, snapshot: DirectorySnapshot) -> DirectorySnapshot:
        """The snapshot without the versions that may not be loaded, which are among its faults."""
        present = {(name, version) for name, found in snapshot.models.items() for version in found.versions}
        self._verdicts = {seen: self._verdict(*seen) for seen in sorted(present)}
        told = [f"{name} {version} is left out: {v.fault}" for (name, version), v in self._verdicts.items() if v.fault]
        models = {name: self._trusted(name, found) for name, found in snapshot.models.items()}
        return DirectorySnapshot(MappingProxyType(models), (*snapshot.faults, *told))

    def _verdict(self, name: str, version: int) -> _Verdict:
        known = self._verdicts.get((name, version))
        if known is None:
            return _Verdict(self._fault(name, version), 1)
        known = replace(known, looks=known.looks + 1)
        return replace(known, fault=self._fault(name, version)) if known.is_due else known

    def _trusted(self, name: str, found: ModelOnDisk) -> ModelOnDisk:
        return replace(found, versions=tuple(n for n in found.versions if self._verdicts[name, n].fault is None))

    def _fault(self, name: str, version: int) -> str | None:
        try:
            check_version(self._models, name, version, self._trust)
        except IntegrityError as error:
            return str(error)
        return None
