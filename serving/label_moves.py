"""`penstock models promote` and `rollback`: what each does with a gateway, and what it says.

The steps are `serving/promotion`'s, the moves the model store's; here they are joined to the command line.
"""

import argparse
import functools
import time
from collections.abc import Callable
from datetime import UTC, datetime

from serving.access.key_argument import chosen_key
from serving.contract.model_directory import CANDIDATE, LABEL_NAME
from serving.errors import BackendError, BackendUnavailable, Forbidden, PenstockError, PublishError, Unauthenticated
from serving.model_store.labels import LabelMove, read_labels
from serving.model_store.rollback import rollback
from serving.model_store.trust_arguments import trust_of
from serving.promotion.http_gateway import DEFAULT_URL, HttpGateway
from serving.promotion.in_process import answered_in_process
from serving.promotion.journal import Journal
from serving.promotion.patience import Patience
from serving.promotion.promote import Beyond, Order, promote, promote_offline
from serving.promotion.shadow import ShadowOrder

Say = Callable[[str], object]

WATCH_PAUSE_SECONDS = 0.5
"""Between looks at the gateway's metrics: a page takes it milliseconds."""
FOLLOWED_SECONDS = 30.0
"""How long `rollback` looks on: ten times what the gateway is promised to take."""


def promote_label(arguments: argparse.Namespace, by: str, say: Say) -> None:
    """Promotes by its steps. Raises PublishError and what else keeps the label where it is."""
    if not LABEL_NAME.fullmatch(arguments.label) or arguments.label == CANDIDATE:
        raise PublishError(
            f"{arguments.label[:64]!r} is not a label to move: letters, digits, '_', '-' and '.', starting with a "
            f"letter, and not {CANDIDATE!r}, which every promotion uses for the time of its checks"
        )
    order = Order(arguments.models, arguments.model, arguments.version, arguments.label, by, arguments.reason, _now)
    journal = Journal(arguments.models, arguments.model, arguments.version, by=by, now=_now, write=say)
    patience = Patience(arguments.wait)
    try:
        if arguments.offline:
            answer = functools.partial(answered_in_process, order.candidate, trust=trust_of(arguments))
            move = promote_offline(order, answer, patience, journal)
        else:
            move = _promote_over(order, arguments, patience, journal)
    except PenstockError:
        say(f"{_where(order)}\n")
        raise
    say(_moved(order.model, move))


def _promote_over(order: Order, arguments: argparse.Namespace, patience: Patience, journal: Journal) -> LabelMove:
    shadow = ShadowOrder(arguments.shadow, arguments.requests, arguments.most_different) if arguments.shadow else None
    watch = Patience(arguments.watch, pause_seconds=WATCH_PAUSE_SECONDS) if arguments.watch else None
    with HttpGateway(
        arguments.gateway or DEFAULT_URL, api_key=chosen_key(arguments.api_key, token=arguments.token)
    ) as gateway:
        try:
            gateway.looks()
        except BackendUnavailable as error:
            raise BackendUnavailable(
                f"{error}; name another with --gateway URL, or check the files and the golden examples only with "
                "--offline"
            ) from error
        return promote(order, gateway, patience, journal, Beyond(shadow, watch))


def roll_back(arguments: argparse.Namespace, by: str, say: Say) -> None:
    """Moves `stable` back and, where a gateway answers, says how long it took to follow. Raises as `rollback` does.

    A gateway that does not say, for want of a good key, is told of and no failure: the label is where it should be.
    """
    key = chosen_key(arguments.api_key, token=arguments.token)
    move = rollback(arguments.models, arguments.model, by=by, reason=arguments.reason, now=_now())
    say(_moved(arguments.model, move))
    started = time.monotonic()
    try:
        with HttpGateway(arguments.gateway or DEFAULT_URL, api_key=key) as gateway:
            if gateway.answering(arguments.model, None) is None and arguments.gateway is None:
                return  # some other gateway than this directory's
            followed = Patience(FOLLOWED_SECONDS).until(
                lambda: gateway.answering(arguments.model, move.label) == move.version, times=gateway.looks()
            )
    except BackendError as error:
        if arguments.gateway is not None:
            say(f"{error}\n")
        return
    except (Unauthenticated, Forbidden) as error:
        say(f"not seen whether the gateway follows: {error}\n")
        return
    seconds = time.monotonic() - started
    if followed:
        say(f"answering with version {move.version} after {seconds:.1f} s\n")
    else:
        say(f"not answering with version {move.version} after {seconds:.0f} s: see /v1/models/{arguments.model}\n")


def _moved(model: str, move: LabelMove) -> str:
    if move.previous == move.version:
        return f"{move.label} of {model}: {move.version} already\n"
    return f"{move.label} of {model}: {move.previous or 'none'} -> {move.version}\n"


def _where(order: Order) -> str:
    try:
        version = read_labels(order.models, order.model).get(order.label)
    except PenstockError:
        return f"{order.label} of {order.model} was not moved"
    return f"{order.label} of {order.model} stays {'at ' + str(version) if version else 'unset'}"


def _now() -> datetime:
    return datetime.now(UTC)
