"""Which layers a signature has between the decoded request and the batcher. Most have none, and pay for none."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from serving.answering.answer_cache import AnswerCache
from serving.answering.shared_answers import Answering, SharedAnswers
from serving.backend_protocol import Arrays
from serving.batching.batcher import Batcher
from serving.batching.events import Lane, Queues
from serving.batching.lengths import LengthRules
from serving.batching.waiting import Answer
from serving.model_settings import ModelSettings
from serving.signature_plan import SignaturePlan


@dataclass(slots=True)
class AnswerLayers:
    """Those of one gateway; what they keep outlives every view of the catalog."""

    batcher: Batcher
    settings: Mapping[str, ModelSettings] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic
    max_bytes: int = 256 * 1024 * 1024
    """Of the tensors that one request may become by being filled up."""
    caches: dict[str, SharedAnswers] = field(init=False)
    padding_values: Counter[str] = field(default_factory=Counter)
    """By model: values that stood for none of the caller's, so that rows of different lengths could share a batch."""

    def __post_init__(self) -> None:
        self.caches = {
            name: SharedAnswers(AnswerCache(model.cache_bytes), self.clock)
            for name, model in self.settings.items()
            if model.cache_bytes
        }

    def of(self, plan: SignaturePlan, queues: Queues) -> Answering | None:
        """What answers in the batcher's place; None where nothing stands between."""
        cache = self.caches.get(plan.target.model)
        if cache is None and plan.lengths is None:
            return None
        answer = self._batched(queues)
        if cache is not None:
            answer = cache.around(plan.target, answer)
        if plan.lengths is not None:  # before the cache: what it is asked for are whole tensors
            answer = self._filled(plan.target.model, plan.lengths, answer)
        return answer

    def follow(self, live: Mapping[str, Collection[int]]) -> None:
        """Forget the answers of versions that are not among `live`, by model."""
        for name, shared in self.caches.items():
            shared.cache.keep_versions(live.get(name, ()))

    def _filled(self, model: str, rules: LengthRules, answer: Answering) -> Answering:
        async def answer_filled(inputs: Arrays, deadline_seconds: float, lane: Lane, tenant: str) -> Answer:
            filled = rules.filled(inputs, self.max_bytes)
            found = await answer(filled.inputs, deadline_seconds, lane, tenant)
            if found.receipt.cache not in {"hit", "shared"}:  # those rows were not sent
                self.padding_values[model] += filled.padding
            return found._replace(outputs=rules.cut(found.outputs, filled.own))

        return answer_filled

    def _batched(self, queues: Queues) -> Answering:
        async def answer(inputs: Arrays, deadline_seconds: float, lane: Lane, tenant: str) -> Answer:
            return await self.batcher.predict(queues.key_of(inputs), inputs, deadline_seconds, lane=lane, tenant=tenant)

        return answer
