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
from serving.contract.features import Feature, ImageFeature
from serving.contract.tensors import Array
from serving.errors import DeadlineExceeded

Decode: TypeAlias = Callable[[Sequence[Feature]], dict[str, Array]]

INLINE_BYTES, INLINE_IMAGE_BYTES = 256 * 1024, 16 * 1024
"""Bodies up to these are decoded at once; dearer ones in a thread, so that they hold up nobody else's request."""


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """`decode` turns the body (of `nbytes`) into arrays by the features it is given; it may run in a thread."""

    reference: ModelReference
    signature: str
    decode: Decode
    nbytes: int
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
            answer = await self.batcher.predict(target, inputs, request.deadline_seconds)
        return Prediction(servable, answer.outputs, answer.receipt, decoded - started)

    async def _decoded(self, request: PredictRequest, servable: Servable) -> dict[str, Array]:
        features = servable.features(request.signature)
        has_images = any(isinstance(feature, ImageFeature) for feature in features)
        if request.nbytes <= (INLINE_IMAGE_BYTES if has_images else INLINE_BYTES):
            return request.decode(features)
        return await asyncio.to_thread(request.decode, features)
