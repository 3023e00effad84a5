"""Requests sent to the version that is to be promoted and to the one that answers now, and their answers compared.

Recorded ones are sent to both; live ones are mirrored by the gateway, whose traffic for the model says so for the time.
Answers that differ are counted; what must not be is a request that the one answers and the other does not.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from serving.backends.prediction_log import LoggedPrediction, read_predictions
from serving.contract.model_directory import CANDIDATE
from serving.errors import BackendError, InvalidInput, PenstockError, PublishError
from serving.model_store.traffic import Shadow, Traffic, read_traffic, set_traffic
from serving.promotion.checks import Candidate
from serving.promotion.gateway_protocol import Gateway, Mirrored
from serving.promotion.patience import Patience
from serving.promotion.steps import Found
from serving.traffic.comparison import agree, tolerance_of


@dataclass(frozen=True, slots=True)
class ShadowOrder:
    """`requests` of them, out of `file` or mirrored; `most_different` is the share of answers that may differ."""

    requests: int
    file: Path | None
    most_different: float


def check_recorded(candidate: Candidate, label: str, gateway: Gateway, order: ShadowOrder) -> Found:
    """Raises PublishError, and IntegrityError for a file that is no recording."""
    usual = gateway.answering(candidate.model, label) or gateway.answering(candidate.model, None)
    if usual is None or usual == candidate.version:
        return Found(f"{label} answers with no other version", checked=False)
    tolerance = tolerance_of(candidate.manifest())
    compared = different = passed_over = 0
    failures: list[str] = []
    for logged in _recorded(candidate.model, order):
        try:
            expected = gateway.replay(candidate.model, usual, logged.signature, logged.inputs)
        except (InvalidInput, BackendError):
            passed_over += 1  # what the version of now does not answer says nothing of the other
            continue
        compared += 1
        try:
            answered = gateway.replay(candidate.model, candidate.version, logged.signature, logged.inputs)
        except PenstockError as error:
            failures.append(str(error))
        else:
            different += not agree(answered, expected, tolerance)
    if not compared:
        return Found(f"version {usual} answered none of the requests ({passed_over} passed over)", checked=False)
    return _judged(Mirrored(compared, different, len(failures)), order, failures[0] if failures else "")


def check_mirrored(
    candidate: Candidate,
    gateway: Gateway,
    order: ShadowOrder,
    patience: Patience,
    mirroring: Callable[[], AbstractContextManager[None]],
) -> Found:
    """Raises PublishError when there are too few within the bound, or too many differ. Requests are mirrored while
    `mirroring` is entered.
    """
    before: Mirrored | None = None
    found = Mirrored()

    def enough() -> bool:
        nonlocal before, found
        seen = gateway.mirrored(candidate.model, candidate.version)
        if seen is None:
            return False
        before = before or seen
        found = seen.since(before)
        return found.compared + found.failed >= order.requests or bool(found.reason)

    with mirroring():
        patience.until(enough)
    if found.compared + found.failed < order.requests:
        reason = found.reason or f"{found.compared} within {patience.bound_seconds:g} s; --wait SECONDS waits longer"
        raise PublishError(f"{order.requests} requests were to be mirrored: {reason}")
    return _judged(found, order, "the gateway's log says why")


def _judged(found: Mirrored, order: ShadowOrder, first_failure: str) -> Found:
    said = f"{found.compared} compared, {found.different} answered otherwise"
    if found.failed:
        raise PublishError(f"{said}, {found.failed} not answered: {first_failure}")
    if found.different > order.most_different * found.compared:
        raise PublishError(f"{said}, and {order.most_different:.0%} may be (--most-different)")
    return Found(said)


def _recorded(model: str, order: ShadowOrder) -> Iterator[LoggedPrediction]:
    if order.file is None:
        return
    try:
        content = order.file.read_bytes()
    except OSError as error:
        raise PublishError(f"cannot read {order.file.name}: {error.strerror}") from error
    of_model = (logged for logged in read_predictions(content) if logged.model == model)
    yield from islice(of_model, order.requests)


@contextmanager
def mirrored_to(
    candidate: Candidate, *, by: str, now: Callable[[], datetime], write_down: Callable[[Traffic], object]
) -> Iterator[None]:
    """The model's traffic as it was, and every request mirrored to the candidate; as it was afterwards. What it was is
    written down first.
    """
    models, model = candidate.models, candidate.model
    before = read_traffic(models, model)
    shadow = Shadow(label=CANDIDATE, fraction=1.0)
    mirroring = before.model_copy(update={"shadow": shadow})
    write_down(before)
    set_traffic(models, model, mirroring, by=by, reason="for the time of a promotion", now=now())
    try:
        yield
    finally:
        if read_traffic(models, model) == mirroring:  # whoever has changed it since means it
            set_traffic(models, model, before, by=by, reason="the promotion has seen enough", now=now())
