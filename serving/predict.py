"""The use case, told once: resolve the version, decode by its manifest, enqueue, hand back; one deadline through all.

Knows no protocol: routes and servicers bring the decoding of their bodies and do their own encoding.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from serving.backend_protocol import Backend
from serving.batching.batcher import Batcher, Receipt
from serving.catalog import Catalog, ModelReference, Servable
from serving.contract.features import Feature
from serving.contract.tensors import Array
from serving.errors import DeadlineExceeded

Decode: TypeAlias = Callable[[Sequence[Feature]], dict[str, Array]]


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """`decode` turns the body into arrays by the features it is given. A `dear` one runs in a thread, so that it holds
    up nobody else's request.
    """

    reference: ModelReference
    signature: str
    decode: Decode
    dear: bool
    deadline_seconds: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """Outputs with one row per input row, who answered, and where the time went."""

    servable: Servable
    outputs: dict[str, Array]
    receipt: Receipt
    decode_seconds: float


@dataclass(frozen=True, slots=True)
class Predictor:
    """Answers predictions; one per gateway process."""

    catalog: Catalog
    backend: Backend
    batcher: Batcher
    clock: Callable[[], float] = time.monotonic

    async def predict(self, request: PredictRequest) -> Prediction:
        """Raises the whole error tree's InvalidInput, UnknownModel, UnknownVersion, ModelNotReady, Overloaded,
        DeadlineExceeded and BackendError families.
        """
        servable = self.catalog.view.resolve(request.reference)
        target = servable.target(request.signature)
        with self.backend.hold(target):
            started = self.clock()
            inputs = await self._decoded(request, servable)
            decoded = self.clock()
            if decoded >= request.deadline_seconds:
                raise DeadlineExceeded("the deadline passed while the request was decoded")
            sizes = servable.allowed_batch_rows(request.signature)
            answer = await self.batcher.predict(target, inputs, request.deadline_seconds, sizes)
        return Prediction(servable, answer.outputs, answer.receipt, decoded - started)

    async def _decoded(self, request: PredictRequest, servable: Servable) -> dict[str, Array]:
        features = servable.features(request.signature)
        if request.dear:
            return await asyncio.to_thread(request.decode, features)
        return request.decode(features)
