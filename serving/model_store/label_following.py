"""Where labels answer: a label follows its move only once the version it points at is live.

Pure, and one rule for the catalog, which answers by it, and for a backend that loads and unloads: what the one still
answers with, the other must not free.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from serving.contract.model_directory import STABLE


@dataclass(frozen=True, slots=True)
class Following:
    """`labels` has the version each label answers with, `unnamed` the one for requests that name nothing.

    A label that was never live has the version it points at, which does not answer yet.
    """

    labels: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    unnamed: int | None = None

    def kept_versions(self) -> frozenset[int]:
        """Those that a label needs. The newest, which answers where nothing is `stable`, gives way by itself."""
        unnamed = [self.unnamed] if STABLE in self.labels and self.unnamed is not None else []
        return frozenset([*self.labels.values(), *unnamed])


def follow(pointed: Mapping[str, int], live: Collection[int], before: Following) -> Following:
    """Where the labels answer that point at the versions `pointed`, while those of `live` can.

    Each keeps the version of `before` until its new one is live; one whose old version is gone moves on regardless.
    Requests that name nothing go to `stable`, else to the newest live version, by the same rule.
    """

    def at(version: int, last: int | None) -> int:
        return last if version not in live and last is not None and last in live else version

    labels = {label: at(version, before.labels.get(label)) for label, version in pointed.items()}
    if STABLE in pointed:
        return Following(labels, at(pointed[STABLE], before.unnamed))
    return Following(labels, max(live, default=None))
