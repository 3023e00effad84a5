"""The lease of a promotion under way, and what is done once nobody renews it.

What a promotion puts into the model directory for the time of its checks, `candidate` and mirrored traffic, is written
down with a time first. A promoter that is killed leaves that behind, and whoever finds the lease over takes it
away. The time alone is not believed: a clock may have jumped, so the claim on the model must be free as well.
"""

import contextlib
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import AwareDatetime, ValidationError

from serving.contract.features import Fact
from serving.contract.model_directory import CANDIDATE, ModelPaths, model_paths
from serving.model_store.atomic_file import write_atomically
from serving.model_store.disk_errors import disk_errors
from serving.model_store.labels import LabelMove, read_labels, remove_label
from serving.model_store.lock import claimed
from serving.model_store.rollback import take_back
from serving.model_store.traffic import Traffic, read_traffic, set_traffic

LEASE_SECONDS = 6.0
RENEW_SECONDS = 2.0
"""A renewal may be late twice: a busy disk takes a second for one now and then."""
WHY = "its promotion ended without taking it back"


class Candidacy(Fact):
    """`version` has the label of the checks; `previous` had it before. `traffic` is what is to come back where the
    promotion has changed it.
    """

    version: int
    previous: int | None
    traffic: Traffic | None
    until: AwareDatetime


class Lease:
    """That of one promotion, renewed by a thread from `begin` to `end`."""

    def __init__(self, paths: ModelPaths, now: Callable[[], datetime]) -> None:
        self._paths, self._now = paths, now
        self._held: Candidacy | None = None
        self._lock, self._over = threading.Lock(), threading.Event()
        self._renewing: threading.Thread | None = None

    def begin(self, version: int, previous: int | None) -> None:
        """Before anything is set. Raises PublishError."""
        self._write(Candidacy(version=version, previous=previous, traffic=None, until=self._now()))
        self._over.clear()
        self._renewing = threading.Thread(target=self._renew, name="lease", daemon=True)
        self._renewing.start()

    def changes(self, before: Traffic) -> None:
        """Before the traffic is changed; the first time counts. Raises PublishError."""
        if self._held and self._held.traffic is None:
            self._write(self._held.model_copy(update={"traffic": before}))

    def end(self) -> None:
        """After all has been taken back."""
        self._over.set()
        if self._renewing:
            self._renewing.join()
        self._held = self._renewing = None
        self._paths.candidacy.unlink(missing_ok=True)

    def _renew(self) -> None:
        while not self._over.wait(RENEW_SECONDS):
            with contextlib.suppress(OSError), self._lock:  # the next one may go; and without any the claim still holds
                if self._held:
                    self._put(self._held)

    def _write(self, candidacy: Candidacy) -> None:
        with disk_errors("cannot write down that a promotion is under way"), self._lock:
            self._put(candidacy)

    def _put(self, candidacy: Candidacy) -> None:
        until = self._now() + timedelta(seconds=LEASE_SECONDS)
        self._held = candidacy.model_copy(update={"until": until})
        write_atomically(self._paths.candidacy, self._held.model_dump_json().encode() + b"\n")


def read_candidacy(paths: ModelPaths) -> Candidacy | None:
    """None when no promotion has left one, or what there is cannot be read."""
    try:
        return Candidacy.model_validate_json(paths.candidacy.read_bytes())
    except (OSError, ValidationError):
        return None


def is_over(candidacy: Candidacy, now: datetime) -> bool:
    """Not renewed in time; a time that no renewal can have written counts as none."""
    return not now < candidacy.until <= now + timedelta(seconds=LEASE_SECONDS)


def clear_abandoned(models: Path, model: str, *, by: str, now: datetime) -> bool:
    """Takes away what a promotion has left whose lease is over and whose claim is free; whether there was such.

    Raises PublishError, UnknownModel, IntegrityError.
    """
    paths = model_paths(models, model)
    candidacy = read_candidacy(paths)
    if candidacy is None or not is_over(candidacy, now):
        return False
    with disk_errors(f"cannot clear what a promotion of {model!r} has left"), claimed(paths.promoting) as mine:
        if mine:
            clear(models, model, by=by, now=now)
        return mine


def clear(models: Path, model: str, *, by: str, now: datetime) -> None:
    """The same by whoever holds the claim, whatever the lease says. What somebody has changed since stays."""
    paths = model_paths(models, model)
    left = read_candidacy(paths)
    if left is None:
        return
    traffic = read_traffic(models, model)
    if left.traffic is not None:
        changed: dict[str, object] = {"counted": left.traffic.counted}
        if traffic.shadow is not None and traffic.shadow.label == CANDIDATE:
            changed["shadow"] = left.traffic.shadow
        set_traffic(models, model, traffic.model_copy(update=changed), by=by, reason=WHY, now=now)
    if read_labels(models, model).get(CANDIDATE) == left.version:
        if left.previous is None:
            remove_label(models, model, CANDIDATE, by=by, reason=WHY, now=now)
        else:
            take_back(models, model, LabelMove(CANDIDATE, left.version, left.previous), by=by, reason=WHY, now=now)
    with disk_errors(f"cannot clear what a promotion of {model!r} has left"):
        paths.candidacy.unlink(missing_ok=True)
