"""One recording of live requests: which are taken, how they are redacted, and how many may wait to be sent.

Belongs to the gateway's event loop and does no I/O. A request costs at most a place in a queue; what is taken is
redacted and written down later, one by one, and given up when whoever reads is too slow.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from serving.backend_protocol import Arrays
from serving.backends.prediction_log import LoggedPrediction, prediction_log
from serving.catalog import CatalogView
from serving.contract.agreement import DEFAULT_SIGNATURE
from serving.contract.features import Fact, Feature, NumberFeature, TensorFeature
from serving.contract.tensors import Array
from serving.errors import PayloadTooLarge, UnknownField
from serving.signature_plan import SignaturePlan

MOST_WAITING_REQUESTS, MOST_WAITING_BYTES = 256, 16 * 1024 * 1024
"""What a slow reader may cost in memory."""


class RecordOrder(Fact):
    """What the control socket is asked: a `fraction` of the requests for `model`, the features in `redact` emptied."""

    command: Literal["record"]
    model: str
    fraction: Annotated[float, Field(gt=0, le=1)] = 1.0
    redact: tuple[str, ...] = ()


class RecordCounts(Fact):
    """Requests for the model while the recording lasted: all, and of these the ones that were sent, that were taken but
    found no room, and that could not be recorded: by a signature that has not every feature to redact.
    """

    seen: int = 0
    sent: int = 0
    dropped: int = 0
    left_out: int = 0


@dataclass(slots=True, eq=False)
class Recording:
    order: RecordOrder
    chance: Callable[[], float]
    """Evenly spread over [0, 1)."""
    seen: int = 0
    sent: int = 0
    dropped: int = 0
    left_out: int = 0
    _waiting: deque[tuple[SignaturePlan, Arrays, int]] = field(default_factory=deque)
    _waiting_bytes: int = 0
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, plan: SignaturePlan, inputs: Arrays) -> None:
        """A request, once."""
        order = self.order
        if plan.target.model != order.model:
            return
        self.seen += 1
        if self.chance() >= order.fraction:
            return
        if any(name not in inputs for name in order.redact):
            self.left_out += 1
            return
        nbytes = sum(array.nbytes for array in inputs.values())
        if len(self._waiting) >= MOST_WAITING_REQUESTS or self._waiting_bytes + nbytes > MOST_WAITING_BYTES:
            self.dropped += 1
            return
        self._waiting.append((plan, inputs, nbytes))
        self._waiting_bytes += nbytes
        self._arrived.set()

    async def arrived(self) -> None:
        """Returns once something waits."""
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()

    def next_log(self) -> bytes | None:
        """The PredictionLog of the request that waited longest, redacted; None when none waits."""
        while self._waiting:
            plan, inputs, nbytes = self._waiting.popleft()
            self._waiting_bytes -= nbytes
            try:
                whole = plan.lengths.filled(inputs, MOST_WAITING_BYTES).inputs if plan.lengths else inputs
            except PayloadTooLarge:  # which is also what its caller is told
                self.left_out += 1
                continue
            self.sent += 1
            return prediction_log(
                LoggedPrediction(
                    plan.target.model,
                    plan.target.signature,
                    redacted(whole, plan.features, self.order.redact),
                    plan.target.version,
                )
            )
        return None

    def counts(self) -> RecordCounts:
        return RecordCounts(seen=self.seen, sent=self.sent, dropped=self.dropped, left_out=self.left_out)


def redacted(inputs: Arrays, features: Sequence[Feature], names: Sequence[str]) -> Arrays:
    """`inputs` with every value of the named features replaced: by the default, what stands for an absent value, or
    what rows are filled up with; else by the empty string, or by the number nearest to zero in the feature's range, so
    that the request can be sent again. Shapes stay.
    """
    if not names:
        return inputs
    by_name = {feature.name: feature for feature in features}
    return {name: _emptied(array, by_name.get(name)) if name in names else array for name, array in inputs.items()}


def check_redaction(view: CatalogView, order: RecordOrder) -> None:
    """Raises UnknownModel, and UnknownField for a name that no live version has: a typing error must not leak."""
    servables = view.entry(order.model).servables.values()
    known = {spec.name for each in servables for spec in each.signatures[DEFAULT_SIGNATURE].inputs}
    for name in order.redact:
        if name not in known:
            raise UnknownField(
                f"cannot redact {name[:64]!r}: no live version of {order.model!r} has it; "
                f"there are {', '.join(sorted(known)) or 'no live versions'}"
            )


def _emptied(array: Array, feature: Feature | None) -> Array:
    value = getattr(feature, "default", None)
    if isinstance(feature, NumberFeature) and feature.optional:
        value = np.nan
    if isinstance(feature, TensorFeature):
        value = feature.pad_value
    if value is None:
        low, high = getattr(feature, "range", None) or (0, 0)
        value = b"" if array.dtype == object else min(max(0, low), high)
    return np.full(array.shape, value.encode() if isinstance(value, str) else value, array.dtype)
