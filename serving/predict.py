"""The use case, told once: resolve the version, decode by its manifest, enqueue, hand back; one deadline through all.

Knows no protocol: routes and servicers bring the decoding of their bodies and do their own encoding.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from serving.backend_protocol import Backend
from serving.batching.batcher import Batcher, Receipt
from serving.batching.events import Lane
from serving.catalog import Catalog, ModelReference, Servable
from serving.contract.features import Feature
from serving.contract.tensors import Array
from serving.errors import DeadlineExceeded, InvalidInput

Decode: TypeAlias = Callable[[Sequence[Feature]], dict[str, Array]]


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """`decode` turns the body into arrays by the features it is given. A `dear` one runs in a thread, so that it holds
    up nobody else's request. `features_of` names the signature whose features it is given, where that is not the one
    that runs: `classify` takes records made from the features of `serving_default`. `lane` is None where the caller
    leaves it to the model's settings; `tenant` is whom the request is counted for among others.
    """

    reference: ModelReference
    signature: str
    decode: Decode
    dear: bool
    deadline_seconds: float
    features_of: str | None = None
    lane: Lane | None = None
    tenant: str = ""


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

    async def predict(self, request: PredictRequest, servable: Servable | None = None) -> Prediction:
        """By the version that the request's reference names, or by one that `pinned` keeps.

        Raises the whole error tree's InvalidInput, UnknownModel, UnknownVersion, ModelNotReady, Overloaded,
        DeadlineExceeded and BackendError families.
        """
        if servable is None:
            servable = self.catalog.view.resolve(request.reference)
        plan = servable.plan(request.signature)
        with self.backend.hold(plan.target):
            started = self.clock()
            inputs = await self._decoded(request, servable)
            decoded = self.clock()
            if decoded >= request.deadline_seconds:
                raise DeadlineExceeded("the deadline passed while the request was decoded")
            answer = await self.batcher.predict(
                plan.target,
                inputs,
                request.deadline_seconds,
                rules=plan.rules,
                lane=plan.lane if request.lane is None else request.lane,
                tenant=request.tenant,
            )
        return Prediction(servable, answer.outputs, answer.receipt, decoded - started)

    @contextmanager
    def pinned(self, reference: ModelReference, signature: str) -> Iterator[Servable]:
        """The version that answers now, kept while the block lasts: for several predictions that belong together."""
        servable = self.catalog.view.resolve(reference)
        with self.backend.hold(servable.target(signature)):
            yield servable

    async def _decoded(self, request: PredictRequest, servable: Servable) -> dict[str, Array]:
        signature = request.features_of or request.signature
        features = servable.features(signature)
        inputs = await asyncio.to_thread(request.decode, features) if request.dear else request.decode(features)
        if request.features_of is not None:
            _check_names(inputs, servable, request.signature)
        return inputs


def _check_names(inputs: dict[str, Array], servable: Servable, signature: str) -> None:
    wanted = {spec.name for spec in servable.signatures[signature].inputs}
    if inputs.keys() != wanted:
        raise InvalidInput(
            f"signature {signature!r} takes {', '.join(sorted(wanted))} and not records of the features",
            pointer="/signature_name",
        )
