"""Rolling back: `stable` returns to the version that answered before the present one.

The decision is pure and reads the history; the shell below holds the lock, writes the label and records the move.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from serving.contract.model_directory import STABLE, model_paths
from serving.errors import PublishError
from serving.model_store.audit import AuditEntry, read_audit
from serving.model_store.disk_errors import disk_errors
from serving.model_store.labels import LabelMove, answering_version, carry_out, read_labels
from serving.model_store.lock import locked
from serving.model_store.versions import list_versions


def rollback_target(answering: int, versions: Sequence[int], history: Sequence[AuditEntry]) -> int | None:
    """Where `stable` goes from `answering`: the last other version it pointed at, else the next one below.

    Only versions that still exist, and none that was itself rolled back from and not promoted since: rolling back
    twice goes further back, and not forward to the version that was just found bad.
    """
    moves = [entry for entry in history if entry.label == STABLE]
    candidates = set(versions) - _found_bad(moves) - {answering}
    earlier = (entry.version for entry in reversed(moves) if entry.version in candidates)
    below = max((version for version in candidates if version < answering), default=None)
    return next(earlier, below)


def rollback(models: Path, model: str, *, by: str, reason: str, now: datetime) -> LabelMove:
    """Points `stable` at the version before, and says from where to where.

    Raises PublishError when there is none to return to, UnknownModel, IntegrityError.
    """
    paths = model_paths(models, model)
    with disk_errors(f"cannot roll {model!r} back"), locked(paths):
        versions, labels = list_versions(models, model), read_labels(models, model)
        answering = answering_version(labels, versions)
        if answering is None:
            raise PublishError(f"cannot roll {model!r} back: it has no versions")
        target = rollback_target(answering, versions, read_audit(models, model))
        if target is None:
            raise PublishError(
                f"cannot roll {model!r} back from version {answering}: no earlier version is left that was not "
                "rolled back from itself; promote one by its number"
            )
        move = LabelMove(STABLE, target, answering)
        carry_out(move, paths, labels, action="rolled_back", by=by, reason=reason, now=now)
    return move


def take_back(models: Path, model: str, move: LabelMove, *, by: str, reason: str, now: datetime) -> LabelMove:
    """Undoes a label's move: back to where it pointed before, or away where it is new. Somebody else's later move of
    the label stands, and is returned as no move at all.

    Raises PublishError, UnknownModel, IntegrityError.
    """
    paths = model_paths(models, model)
    with disk_errors(f"cannot take back the label {move.label!r} of {model!r}"), locked(paths):
        labels = read_labels(models, model)
        if labels.get(move.label) != move.version:
            return LabelMove(move.label, labels.get(move.label), labels.get(move.label))
        previous = move.previous if move.previous in list_versions(models, model) else None
        back = LabelMove(move.label, previous, move.version)
        carry_out(back, paths, labels, action="rolled_back", by=by, reason=reason, now=now)
    return back


def _found_bad(moves: Sequence[AuditEntry]) -> set[int]:
    bad: set[int] = set()
    for move in moves:
        if move.action == "rolled_back" and move.previous_version is not None:
            bad.add(move.previous_version)
        if move.action == "promoted" and move.version is not None:
            bad.discard(move.version)
    return bad
