"""Which versions should be in memory: the rule of the embedded backend's model directory watch.

Pure: what is on the disk and what is loaded go in, what to load and unload comes out.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 1.0, 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Versions in the order in which to act: those that answer requests first."""

    load: tuple[int, ...]
    unload: tuple[int, ...]


def plan(
    on_disk: Collection[int],
    labels: Mapping[str, int],
    *,
    available: Collection[int],
    failed: Collection[int],
    busy: Collection[int] = (),
    answering: Collection[int] = (),
) -> Plan:
    """What to do for one model.

    Kept are the labelled versions, the newest (the candidate), and the newest that loads; the version that answers
    now stays until a newer one is available, so that a broken newest version takes nothing away. `failed` are not to be
    tried again yet, `busy` are being loaded or freed at this moment. `answering` are those a label answers with, which
    are kept while the model is on the disk, even where they themselves no longer are.
    """
    wanted = {version for version in labels.values() if version in on_disk}
    if on_disk:
        wanted.update(version for version in answering if version in available)
        wanted.add(max(on_disk))
        healthy = [version for version in on_disk if version not in failed]
        wanted.update([max(healthy)] if healthy else [])
        if available and not (healthy and max(healthy) in available):
            wanted.add(max(available))
    missing = wanted.difference(available, failed, busy)
    labelled = set(labels.values())
    return Plan(
        load=tuple(sorted(missing, key=lambda version: (version in labelled, version), reverse=True)),
        unload=tuple(sorted(set(available) - wanted)),
    )


def retry_seconds(attempts: int) -> float:
    """How long to leave a version alone that failed to load `attempts` times: 1, 2, 4 ... 60 seconds."""
    doublings = min(attempts - 1, 10)  # past the limit already, and far from what a float can hold
    return min(LAST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0**doublings)
