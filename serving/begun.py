"""Predictions under way that nobody awaits: their own outcome is told, and the version is held until then."""

import asyncio
from typing import Protocol

from serving.backend_protocol import Arrays
from serving.batching.batcher import Batcher
from serving.batching.waiting import Answer
from serving.catalog import Servable
from serving.errors import PenstockError
from serving.prediction import Prediction, PredictRequest, Told, request_id_of
from serving.served import Served
from serving.succession import MAY_HAVE_LEFT


class Asking(Protocol):
    """Who began it: the Predictor."""

    @property
    def batcher(self) -> Batcher: ...

    async def elsewhere(self, request: PredictRequest, left: Servable, error: PenstockError) -> Prediction | None: ...


class Begun:
    """A prediction under way that nobody awaits: the batcher tells it, and it tells on. It holds its version."""

    __slots__ = ("_again", "_asking", "_decode_seconds", "_over", "_request", "_served", "_told", "number")
    number: int
    """The batcher's, once it has been submitted."""

    def __init__(
        self, asking: Asking, request: PredictRequest, served: Served, decode_seconds: float, told: Told
    ) -> None:
        self._asking, self._request, self._served = asking, request, served
        self._decode_seconds, self._told = decode_seconds, told
        self._over = False
        self._again: asyncio.Task[None] | None = None
        served.hold.__enter__()

    def cancel(self) -> bool:
        """Nobody waits for it any more; whether it was still under way."""
        if self._over:
            return False
        self._end()
        if self._again is None:
            self._asking.batcher.give_up(self.number)
        else:
            self._again.cancel()
        return True

    def done(self) -> bool:
        return self._over

    def set_result(self, answer: Answer) -> None:
        self._end()
        served = self._served
        self._told(Prediction(served.servable, answer.outputs, answer.receipt, self._decode_seconds, answer.all_finite))

    def set_exception(self, error: PenstockError) -> None:
        if isinstance(error, MAY_HAVE_LEFT) and self._request.reference.is_open:
            self._again = asyncio.get_running_loop().create_task(self._ask_again(error))
            return
        self._fail(error)

    async def _ask_again(self, error: PenstockError) -> None:
        outcome: Prediction | Exception | None
        try:
            outcome = await self._asking.elsewhere(self._request, self._served.servable, error)
        except Exception as failure:  # noqa: BLE001 - as foreseen or not as in `predict`, and somebody must hear of it
            outcome = failure
        if outcome is None:
            self._fail(error)
            return
        self._end()
        self._told(outcome)

    def _fail(self, error: PenstockError) -> None:
        self._end()
        self._told(error)

    def _end(self) -> None:
        self._over = True
        self._served.hold.__exit__(None, None, None)


class BegunBeforeWitness(Begun):
    """One whose outcome is told to its version's witness, too, after its caller."""

    __slots__ = ("inputs",)
    inputs: Arrays

    def set_result(self, answer: Answer) -> None:
        super().set_result(answer)
        if self._served.witness is not None:
            self._served.witness.answered(self.inputs, answer, self._decode_seconds, request_id_of(self._request))

    def _fail(self, error: PenstockError) -> None:
        super()._fail(error)
        if self._served.witness is not None:
            self._served.witness.failed(error)
