"""A promotion, told once: checked, loaded, warmed, compared, moved, seen to answer, watched. The file to read first.

A step that fails ends it and leaves the label where it was.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from serving.contract.model_directory import CANDIDATE, STABLE, model_paths
from serving.errors import ModelNotReady, PenstockError, PublishError, UnknownModel
from serving.model_store.candidacy import Lease, clear, is_over, read_candidacy
from serving.model_store.labels import LabelMove, read_labels, remove_label, set_label
from serving.model_store.lock import claimed
from serving.model_store.rollback import take_back
from serving.model_store.traffic import read_traffic, set_traffic
from serving.promotion.checks import (
    AnswersExamples,
    Candidate,
    answered_by,
    check_examples,
    check_files,
    check_loaded,
    check_sizes,
)
from serving.promotion.gateway_protocol import Gateway
from serving.promotion.patience import Patience
from serving.promotion.shadow import ShadowOrder, check_mirrored, check_recorded, mirrored_to
from serving.promotion.steps import Found, Step, Witness, run_steps
from serving.promotion.watch import Watch


@dataclass(frozen=True, slots=True)
class Order:
    """Which version gets which label, by whom and why; `now` is the wall clock, for the history."""

    models: Path
    model: str
    version: int
    label: str
    by: str
    reason: str
    now: Callable[[], datetime]

    @property
    def candidate(self) -> Candidate:
        return Candidate(self.models, self.model, self.version)


@dataclass(frozen=True, slots=True)
class Beyond:
    """What is done beyond the checks of every promotion: nothing, unless asked for."""

    shadow: ShadowOrder | None = None
    watch: Patience | None = None


def promote(
    order: Order, gateway: Gateway, patience: Patience, witness: Witness, beyond: Beyond = Beyond()
) -> LabelMove:
    """Raises PublishError, IntegrityError, UnknownModel, UnknownVersion, BackendUnavailable: the label is back then."""
    candidate = order.candidate
    with (
        _alone(order, patience) as lease,
        _labels_of(order, lease) as labels,
        _counted(order, lease) if beyond.watch else nullcontext(),
    ):
        steps = [
            Step("checksums", functools.partial(check_files, candidate)),
            Step("loaded", functools.partial(check_loaded, candidate, gateway, patience, labels.mark)),
            Step("batch sizes", functools.partial(check_sizes, candidate, gateway, patience)),
            Step(
                "golden examples",
                functools.partial(check_examples, candidate, answered_by(candidate, gateway, patience)),
            ),
            *_shadow_steps(order, gateway, patience, beyond.shadow, lease),
            *_moving_steps(order, gateway, patience, labels, beyond.watch),
        ]
        run_steps(steps, witness, patience.clock)
        return labels.done()


def _shadow_steps(
    order: Order, gateway: Gateway, patience: Patience, shadow: ShadowOrder | None, lease: Lease
) -> list[Step]:
    if shadow is None:
        return []
    if shadow.file:
        return [
            Step("recorded requests", functools.partial(check_recorded, order.candidate, order.label, gateway, shadow))
        ]
    mirroring = functools.partial(mirrored_to, order.candidate, by=order.by, now=order.now, write_down=lease.changes)
    mirror = functools.partial(check_mirrored, order.candidate, gateway, shadow, patience, mirroring)
    return [Step("mirrored requests", mirror)]


def _moving_steps(
    order: Order, gateway: Gateway, patience: Patience, labels: "_Labels", watch_patience: Patience | None
) -> list[Step]:
    answering = Step("answering", functools.partial(_check_answering, order, gateway, patience))
    if watch_patience is None:
        return [Step(f"label {order.label}", labels.move), answering]
    watch = Watch(gateway, order.model, order.version, watch_patience)

    before = gateway.answering(order.model, order.label)
    watch.begin(before or (gateway.answering(order.model, None) if order.label == STABLE else None))

    def move() -> Found:
        watch.gather()
        return labels.move()

    return [Step(f"label {order.label}", move), answering, Step("watch", watch.keep)]


def promote_offline(order: Order, answer: AnswersExamples, patience: Patience, witness: Witness) -> LabelMove:
    """Without a gateway: `answer` runs the version in this process. Raises as `promote` does."""
    with _alone(order, patience) as lease, _labels_of(order, lease) as labels:
        steps = [
            Step("checksums", functools.partial(check_files, order.candidate)),
            Step("golden examples", functools.partial(check_examples, order.candidate, answer)),
            Step(f"label {order.label}", labels.move),
        ]
        run_steps(steps, witness, patience.clock)
        return labels.done()


def _check_answering(order: Order, gateway: Gateway, patience: Patience) -> Found:
    def answering() -> bool:
        try:
            return gateway.answering(order.model, order.label) == order.version
        except ModelNotReady:
            return False

    if patience.until(answering, times=gateway.looks()):
        return Found(f"{order.label} answers with version {order.version}")
    raise PublishError(
        f"the gateway does not answer {order.label} with version {order.version} after {patience.bound_seconds:g} s; "
        f"its log and /v1/models/{order.model} say why"
    )


@contextmanager
def _alone(order: Order, patience: Patience) -> Iterator[Lease]:
    """One promotion of a model at a time; what a killed one has left is cleared first, once its lease is over, for
    locks may not reach from one machine to another. Raises PublishError when there is one, UnknownModel.
    """
    paths = model_paths(order.models, order.model)
    if not paths.root.is_dir():
        raise UnknownModel(f"there is no model {order.model!r}")
    with claimed(paths.promoting) as mine:
        if not mine:
            raise PublishError(f"another promotion of {order.model!r} is under way")

        def free() -> bool:
            left = read_candidacy(paths)
            return left is None or is_over(left, order.now())

        if not patience.until(free):
            raise PublishError(f"another promotion of {order.model!r} is under way, and renews its lease")
        clear(order.models, order.model, by=order.by, now=order.now())
        yield Lease(paths, order.now)


@dataclass(slots=True)
class _Labels:
    """The labels that a promotion moves: its own for the time of the checks, and the one it is about."""

    order: Order
    marked: LabelMove | None = None
    moved: LabelMove | None = None

    def mark(self) -> None:
        """Has the version loaded, and kept: labelled versions are."""
        self.marked = self._set(CANDIDATE, "for the time of its promotion")

    def move(self) -> Found:
        move = self.moved = self._set(self.order.label, self.order.reason)
        self.unmark()
        if move.previous == move.version:
            return Found(f"{move.version} already")
        return Found(f"{move.previous or 'none'} -> {move.version}")

    def done(self) -> LabelMove:
        """The move stands; what comes after does not undo it."""
        previous, self.moved = self.moved.previous if self.moved else None, None
        return LabelMove(self.order.label, self.order.version, previous)

    def undo(self, reason: str) -> None:
        """The label goes back to where it was."""
        if self.moved and self.moved.previous != self.moved.version:
            order = self.order
            take_back(order.models, order.model, self.moved, by=order.by, reason=reason, now=order.now())

    def unmark(self) -> None:
        """The label of the checks goes, or back to whoever had it."""
        marked, self.marked = self.marked, None
        order = self.order
        if not marked or read_labels(order.models, order.model).get(CANDIDATE) != marked.version:
            return
        if marked.previous is None:
            reason = "its promotion is over"
            remove_label(order.models, order.model, CANDIDATE, by=order.by, reason=reason, now=order.now())
        elif marked.previous != marked.version:
            take_back(order.models, order.model, marked, by=order.by, reason="", now=order.now())

    def _set(self, label: str, reason: str) -> LabelMove:
        order = self.order
        return set_label(order.models, order.model, label, order.version, by=order.by, reason=reason, now=order.now())


@contextmanager
def _labels_of(order: Order, lease: Lease) -> Iterator[_Labels]:
    """Whatever happens in the block, the label of the checks is gone after it, and a move that is not done, undone."""
    labels = _Labels(order)
    lease.begin(order.version, read_labels(order.models, order.model).get(CANDIDATE))
    try:
        yield labels
    except BaseException as error:
        labels.undo(str(error) if isinstance(error, PenstockError) else f"interrupted: {type(error).__name__}")
        raise
    finally:
        try:
            labels.unmark()
        finally:
            lease.end()


@contextmanager
def _counted(order: Order, lease: Lease) -> Iterator[None]:
    """Every version's figures are kept in the block, before the label moves and after it."""
    models, model = order.models, order.model
    before = read_traffic(models, model)
    lease.changes(before)
    counting = before.model_copy(update={"counted": True})
    set_traffic(models, model, counting, by=order.by, reason="for a promotion that watches", now=order.now())
    try:
        yield
    finally:
        now = read_traffic(models, model)
        after = now.model_copy(update={"counted": before.counted})
        set_traffic(models, model, after, by=order.by, reason="the promotion is over", now=order.now())
