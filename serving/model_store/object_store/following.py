"""Labels and traffic of the store on the node: what has moved there moves here, once the versions it names are here.

What was followed last is written down, so that what is changed on the node itself stands until the store changes it.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from pathlib import Path

from pydantic import Field, ValidationError

from serving.contract.features import Fact
from serving.contract.model_directory import ModelPaths, model_paths
from serving.errors import IntegrityError
from serving.model_store.atomic_file import write_atomically
from serving.model_store.audit import AuditEntry, record
from serving.model_store.disk_errors import disk_errors
from serving.model_store.labels import LabelMove, read_labels, render_labels
from serving.model_store.lock import locked
from serving.model_store.object_store.fetch import BY
from serving.model_store.object_store.plan import labels_after, labels_to_follow, traffic_to_follow
from serving.model_store.object_store.store import StoredModel
from serving.model_store.traffic import NO_TRAFFIC, Traffic, read_traffic, render_traffic, traffic_text
from serving.model_store.versions import list_versions

FOLLOWED = ".mirrored.json"
NOWHERE = 0
"""No version has this number."""


class Followed(Fact):
    """What of the store's labels and traffic stands here. Of labels that are `moving`, and of traffic while
    `traffic_moves`, nobody knows: whoever began to move them may have been killed on the way.
    """

    labels: dict[str, int] = Field(default_factory=dict)
    traffic: Traffic = NO_TRAFFIC
    moving: tuple[str, ...] = ()
    traffic_moves: bool = False

    def towards(self, wanted: "Followed") -> "Followed":
        """The same with what is about to change marked: a label that the store moves back meanwhile would look as if
        it had never left.
        """
        names = {*self.labels, *wanted.labels}
        moving = {*self.moving, *(name for name in names if self.labels.get(name) != wanted.labels.get(name))}
        changes = self.traffic_moves or self.traffic != wanted.traffic
        return self.model_copy(update={"moving": tuple(sorted(moving)), "traffic_moves": changes})


def follow(
    models: Path,
    model: str,
    stored: StoredModel,
    *,
    source: str,
    clock: Callable[[], datetime],
    but: Collection[int] = (),
) -> tuple[LabelMove, ...]:
    """Makes the node's labels and traffic follow the store's, to every version that is here `but` these; the labels
    that moved.

    Raises PublishError, UnknownModel, IntegrityError.
    """
    paths = model_paths(models, model)
    with disk_errors(f"the labels of {model!r} cannot be followed"), locked(paths):
        before = read_followed(paths)
        asked = before.labels if stored.labels is None else stored.labels
        labels = labels_to_follow(asked, before.labels, {*list_versions(models, model)}.difference(but))
        traffic = before.traffic if stored.traffic is None else stored.traffic
        wanted = Followed(labels=labels, traffic=traffic_to_follow(traffic, before.traffic, labels))
        if wanted == before:
            return ()
        begun = before.towards(wanted)
        _write(paths, begun)
        moves = _carry_out(models, paths, begun, wanted, reason=f"as in {source}", now=clock())
        _write(paths, wanted)
    return moves


def read_followed(paths: ModelPaths) -> Followed:
    """Nothing, when nothing was followed yet or it cannot be read."""
    try:
        return Followed.model_validate_json((paths.root / FOLLOWED).read_bytes())
    except (OSError, ValidationError):
        return Followed()


def _write(paths: ModelPaths, followed: Followed) -> None:
    write_atomically(paths.root / FOLLOWED, followed.model_dump_json().encode() + b"\n")


def _carry_out(
    models: Path, paths: ModelPaths, begun: Followed, wanted: Followed, *, reason: str, now: datetime
) -> tuple[LabelMove, ...]:
    """Traffic and labels in an order in which no share ever stands for a label that is not there."""
    here, traffic = _readable(models, paths.root.name)
    after = labels_after(here, {**begun.labels, **dict.fromkeys(begun.moving, NOWHERE)}, wanted.labels)
    new = wanted.traffic if begun.traffic_moves else traffic
    if not _speaks_of(new, after):
        new = NO_TRAFFIC
    history = _History(paths, reason, now)
    if traffic != new and _speaks_of(new, here):
        history.write_traffic(new)
    elif not _speaks_of(traffic, after):
        history.write_traffic(NO_TRAFFIC)
    moves = tuple(
        LabelMove(label, after.get(label), here.get(label))
        for label in sorted({*here, *after})
        if after.get(label) != here.get(label)
    )
    if moves:
        write_atomically(paths.labels, render_labels(after))
        history.record_moves(moves)
    if traffic != new and not _speaks_of(new, here):
        history.write_traffic(new)
    return moves


def _readable(models: Path, model: str) -> tuple[Mapping[str, int], Traffic]:
    """What stands here; a damaged file is nothing that anybody goes by, and is written over."""
    try:
        labels = read_labels(models, model)
    except IntegrityError:
        labels = {}
    try:
        return labels, read_traffic(models, model)
    except IntegrityError:
        return labels, NO_TRAFFIC


def _speaks_of(traffic: Traffic, labels: Collection[str]) -> bool:
    """Whether `labels` has every label of `traffic`."""
    return set(traffic.labels()) <= set(labels)


class _History:
    def __init__(self, paths: ModelPaths, reason: str, now: datetime) -> None:
        self._paths, self._reason, self._now = paths, reason, now

    def write_traffic(self, traffic: Traffic) -> None:
        write_atomically(self._paths.traffic, render_traffic(traffic))
        entry = AuditEntry(
            at=self._now,
            action="traffic",
            model=self._paths.root.name,
            version=None,
            by=BY,
            reason=self._reason,
            detail=traffic_text(traffic),
        )
        record(self._paths, entry)

    def record_moves(self, moves: Collection[LabelMove]) -> None:
        for move in moves:
            entry = AuditEntry(
                at=self._now,
                action="unlabelled" if move.version is None else "promoted",
                model=self._paths.root.name,
                version=move.version,
                label=move.label,
                previous_version=move.previous,
                by=BY,
                reason=self._reason,
            )
            record(self._paths, entry)
