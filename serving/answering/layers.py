"""Which layers a signature has between the decoded request and the batcher. Most have none, and pay for none."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from serving.answering.answer_cache import AnswerCache
from serving.answering.shared_answers import Answering, SharedAnswers
from serving.backend_protocol import Arrays
from serving.batching.batcher import Answer, Batcher
from serving.batching.events import Lane, Queues
from serving.model_settings import ModelSettings
from serving.signature_plan import SignaturePlan


@dataclass(slots=True)
class AnswerLayers:
    """Those of one gateway; what they keep outlives every view of the catalog."""

    batcher: Batcher
    settings: Mapping[str, ModelSettings] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic
    caches: dict[str, SharedAnswers] = field(init=False)

    def __post_init__(self) -> None:
        self.caches = {
            name: SharedAnswers(AnswerCache(model.cache_bytes), self.clock)
            for name, model in self.settings.items()
            if model.cache_bytes
        }

    def of(self, plan: SignaturePlan, queues: Queues) -> Answering | None:
        """What answers in the batcher's place; None where nothing stands between."""
        cache = self.caches.get(plan.target.model)
        if cache is None:
            return None
        return cache.around(plan.target, self._batched(queues))

    def follow(self, live: Mapping[str, Collection[int]]) -> None:
        """Forget the answers of versions that are not among `live`, by model."""
        for name, shared in self.caches.items():
            shared.cache.keep_versions(live.get(name, ()))

    def _batched(self, queues: Queues) -> Answering:
        async def answer(inputs: Arrays, deadline_seconds: float, lane: Lane, tenant: str) -> Answer:
            return await self.batcher.predict(queues.key_of(inputs), inputs, deadline_seconds, lane=lane, tenant=tenant)

        return answer
