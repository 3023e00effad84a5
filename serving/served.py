"""What answers the requests for one signature of one version, found once and kept while the catalog stands."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from serving.answering.layers import AnswerLayers
from serving.answering.shared_answers import Answering
from serving.backend_protocol import Arrays, Backend
from serving.batching.events import Lane, Queues
from serving.batching.waiting import Answer
from serving.catalog import Servable
from serving.contract.features import Feature
from serving.errors import PenstockError


class Witness(Protocol):
    """Who is told what comes of each request, after its caller."""

    def answered(self, inputs: Arrays, answer: Answer, decode_seconds: float, request_id: str) -> None:
        """`request_id` is empty where several predictions are one request."""

    def failed(self, error: PenstockError) -> None: ...


@dataclass(frozen=True, slots=True)
class Served:
    """What every request for one signature of one version needs."""

    servable: Servable
    features: tuple[Feature, ...]
    queues: Queues
    hold: AbstractContextManager[None]
    lane: Lane
    layers: Answering | None
    """What answers in the batcher's place, where the signature has layers."""
    witness: Witness | None
    """None while the model's traffic is neither split nor mirrored."""


def serve(
    servable: Servable, signature: str, backend: Backend, layers: AnswerLayers | None, witness: Witness | None = None
) -> Served:
    """Raises InvalidInput when the version has no such signature."""
    plan = servable.plan(signature)
    queues = Queues(plan.target, plan.rules)
    answering = layers.of(plan, queues) if layers else None
    return Served(servable, plan.features, queues, backend.hold(plan.target), plan.lane, answering, witness)
