"""Who keeps samples of what is asked and answered: the prediction log, and drift. A `Witness` of each version sampled.

A model that is not sampled has no such witness, and its requests pay nothing.
"""

import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from serving.backend_protocol import Arrays
from serving.batching.waiting import Answer
from serving.catalog import Servable
from serving.contract.agreement import DEFAULT_SIGNATURE
from serving.errors import PenstockError
from serving.observability.drift_watch import DriftWatch
from serving.observability.prediction_log import PredictionLog
from serving.observability.prediction_records import Source
from serving.served import Witness

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recorder:
    """That of one gateway process; without a `log` nothing is logged, without `drift` nothing watched, whatever a
    model's settings say.
    """

    log: PredictionLog | None
    drift: DriftWatch | None
    chance: Callable[[], float] = random.random
    _refused: set[Source] = field(default_factory=set)
    """What is not logged, and has been said so."""

    def beside(self, witness: Witness | None, servable: Servable, signature: str) -> Witness | None:
        """`witness`, if there is one, and those that sample this signature; None for nobody."""
        found = (witness, self._logging(servable, signature), self._watching(servable, signature))
        present = [each for each in found if each is not None]
        return Together(present) if len(present) > 1 else next(iter(present), None)

    def _logging(self, servable: Servable, signature: str) -> Witness | None:
        share, redact = servable.settings.prediction_log_share, servable.settings.prediction_log_redact
        if self.log is None or not share or signature not in servable.signatures:
            return None
        source = Source(servable.model, servable.version, signature)
        unknown = set(redact) - {spec.name for spec in servable.signatures[signature].inputs}
        if unknown:  # a typing error must not leak, nor a signature that has the same values under another name
            self._refuse(source, sorted(unknown))
            return None
        return Logging(self.log, source, share, redact, self.chance)

    def _refuse(self, source: Source, unknown: Sequence[str]) -> None:
        if source in self._refused:
            return
        self._refused.add(source)
        text = "model %s version %d: predictions by %s are not logged: it has no %s to redact"
        _log.warning(text, *source, ", ".join(unknown), extra={"event": "prediction_log_off"})

    def _watching(self, servable: Servable, signature: str) -> Witness | None:
        share, manifest = servable.settings.drift_share, servable.manifest
        if self.drift is None or not share or manifest is None or signature != DEFAULT_SIGNATURE:
            return None
        if not self.drift.watch(servable.model, servable.version, manifest.sketches):
            return None
        return Watching(self.drift, servable.model, servable.version, share, self.chance)


@dataclass(frozen=True, slots=True)
class Logging:
    """A Witness that logs a share of the requests that were answered."""

    log: PredictionLog
    source: Source
    share: float
    redact: Sequence[str]
    chance: Callable[[], float]

    def answered(self, inputs: Arrays, answer: Answer, decode_seconds: float, request_id: str) -> None:
        del decode_seconds
        if self.chance() < self.share:
            self.log.add(self.source, request_id, inputs, answer.outputs, self.redact)

    def failed(self, error: PenstockError) -> None:
        """There is nothing to learn from."""


@dataclass(frozen=True, slots=True)
class Watching:
    """A Witness that counts the values of a share of the requests."""

    drift: DriftWatch
    model: str
    version: int
    share: float
    chance: Callable[[], float]

    def answered(self, inputs: Arrays, answer: Answer, decode_seconds: float, request_id: str) -> None:
        del answer, decode_seconds, request_id
        if self.chance() < self.share:
            self.drift.sampled(self.model, self.version, inputs)

    def failed(self, error: PenstockError) -> None:
        """It says nothing of what is asked."""


@dataclass(frozen=True, slots=True)
class Together:
    """Several witnesses as one."""

    witnesses: Sequence[Witness]

    def answered(self, inputs: Arrays, answer: Answer, decode_seconds: float, request_id: str) -> None:
        for witness in self.witnesses:
            witness.answered(inputs, answer, decode_seconds, request_id)

    def failed(self, error: PenstockError) -> None:
        for witness in self.witnesses:
            witness.failed(error)
