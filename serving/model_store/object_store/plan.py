"""What a mirror does next, decided from what the store has and what is on the node. Pure."""

from collections.abc import Collection, Iterable, Mapping

from serving.model_store.traffic import NO_TRAFFIC, Traffic


def wanted_versions(
    stored: Collection[int], present: Collection[int], labelled: Iterable[int], *, keep: int
) -> frozenset[int]:
    """What belongs on the node: the labelled versions and the `keep` newest of all that are in either place.

    Of both, so that a version that is only here is not the reason to fetch one that would at once be too many.
    """
    everything = {*stored, *present}
    newest = sorted(everything)[-keep:]
    return frozenset(newest) | (everything & set(labelled))


def versions_to_fetch(
    stored: Collection[int],
    present: Collection[int],
    labelled: Collection[int],
    *,
    keep: int,
    unusable: Collection[int] = (),
) -> tuple[int, ...]:
    """The labelled ones first, then the newest first. An unusable one makes room for the next older."""
    usable = set(stored) - set(unusable)
    missing = wanted_versions(usable, present, labelled, keep=keep) - set(present)
    return tuple(sorted(missing, key=lambda version: (version not in labelled, -version)))


def labels_to_follow(
    stored: Mapping[str, int], followed: Mapping[str, int], present: Collection[int]
) -> dict[str, int]:
    """The store's labels as far as their versions are here; another keeps the version it was followed to before."""
    here = {}
    for label, version in stored.items():
        where = version if version in present else followed.get(label)
        if where is not None and where in present:
            here[label] = where
    return here


def labels_after(here: Mapping[str, int], followed: Mapping[str, int], wanted: Mapping[str, int]) -> dict[str, int]:
    """The node's labels once each that has moved in the store has moved here.

    One that stands still in the store stays as it is here: a gateway may have taken a bad canary's label away.
    """
    after = dict(here)
    for label in {*followed, *wanted}:
        if followed.get(label) != wanted.get(label):
            after.pop(label, None)
            if label in wanted:
                after[label] = wanted[label]
    return after


def traffic_to_follow(stored: Traffic, followed: Traffic, labels: Collection[str]) -> Traffic:
    """The store's, once every label it speaks of is here; until then the one before, or none."""
    return next((each for each in (stored, followed) if set(each.labels()) <= set(labels)), NO_TRAFFIC)


def backoff_seconds(failures: int, chance: float, *, most: float = 60.0) -> float:
    """How long to wait after `failures` in a row: doubling from a second up to `most`, of which `chance` (0 to 1)
    decides the half: a fleet of nodes does not come back at one moment.
    """
    return min(most, 2.0 ** min(failures - 1, 16)) * (0.5 + chance / 2)


def interval_seconds(interval: float, chance: float) -> float:
    """The time between two looks, up to a tenth less or more."""
    return interval * (0.9 + 0.2 * chance)
