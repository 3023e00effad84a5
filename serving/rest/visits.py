"""Requests of one head in a gateway that asks who comes: each is let in anew, and counted until it has ended.

A microsecond or so a request, more where the caller's requests at once are limited.
"""

from collections.abc import Callable
from typing import TypeAlias

from serving.access.caller import Verb
from serving.access.quotas import Allowance
from serving.access.visitors import Visitor
from serving.errors import PenstockError
from serving.rest.response import Begin, Cancel, Response, Tell

Refuse: TypeAlias = Callable[[PenstockError, bytes, Tell], Cancel | None]


def visited(begin: Begin, refuse: Refuse, visitor: Visitor, model: str) -> Begin:
    """`begin` for predictions of `model`, behind the question whether the visitor still may: a known head outlives the
    credential in it.
    """

    def begin_if_let_in(raw: bytes, answer: Tell) -> Cancel | None:
        try:
            entered = visitor.enter(Verb.PREDICT, model)
        except PenstockError as error:
            return refuse(error, raw, answer)
        return begin(raw, answer) if entered is None else _counted(begin, entered, raw, answer)

    return begin_if_let_in


def _counted(begin: Begin, entered: Allowance, raw: bytes, answer: Tell) -> Cancel | None:
    """A request that leaves once it is answered or cancelled, or where nothing was done."""
    leaving = _Leaving(entered)

    def told(response: Response, request_id: str) -> None:
        leaving.leave()
        answer(response, request_id)

    cancel = begin(raw, told)
    if cancel is None:
        leaving.leave()
        return None

    def cancelled() -> None:
        leaving.leave()
        cancel()

    return cancelled


class _Leaving:
    """A connection that ends later cancels once more what was answered."""

    __slots__ = ("_entered",)

    def __init__(self, entered: Allowance) -> None:
        self._entered: Allowance | None = entered

    def leave(self) -> None:
        if self._entered is not None:
            self._entered.leave()
            self._entered = None
