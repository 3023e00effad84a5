"""What comes of one version's requests, counted where all workers' counts lie.

Some 2 us a request, and only while the model's traffic is split or mirrored.
"""

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from serving.backend_protocol import Arrays
from serving.batching.waiting import Answer
from serving.catalog import Servable
from serving.contract.agreement import DEFAULT_SIGNATURE
from serving.contract.manifest import Classification, Regression
from serving.contract.tensors import Array
from serving.errors import Cancelled, InvalidInput, PenstockError, QuotaExceeded
from serving.observability.cells import Slot
from serving.observability.families import VERSION
from serving.observability.ledger import Ledger
from serving.observability.version_cells import (
    CLASS_BINS,
    CLASSES_AT,
    ERRORS,
    LATENCY,
    LATENCY_AT,
    NO_SCORE_KIND,
    PROBABILITY,
    PROBABILITY_KIND,
    REFUSED,
    REQUESTS,
    SCORE_BOUNDS,
    SCORES_AT,
    SIZE,
    VALUE_KIND,
)
from serving.traffic.shadows import Mirror

_FEW_COLUMNS = 64
"""Up to so many numbers, Python finds the largest before numpy has begun."""


class Tally:
    """A `Witness` of one version. `output` names the output that is scored, None where there is no such; `mirror` is
    offered what was answered.
    """

    __slots__ = ("_at", "_bounds", "_cells", "_mirror", "_output")

    def __init__(self, slot: Slot, output: str | None, bounds: Sequence[float], mirror: Mirror | None) -> None:
        self._cells, self._at = slot
        self._output, self._bounds, self._mirror = output, bounds, mirror

    def answered(self, inputs: Arrays, answer: Answer, decode_seconds: float, request_id: str = "") -> None:
        del request_id
        cells, at, receipt = self._cells, self._at, answer.receipt
        seconds = decode_seconds + receipt.queue_seconds + receipt.backend_seconds
        cells[at + REQUESTS] += 1.0
        cells[at + LATENCY_AT + bisect_left(LATENCY, seconds)] += 1.0
        if self._output is not None and (array := answer.outputs[self._output]).size:
            self._score(array[0], all_finite=answer.all_finite)
        if self._mirror is not None:
            self._mirror.offer(inputs, answer.outputs)

    def failed(self, error: PenstockError) -> None:
        if isinstance(error, Cancelled | QuotaExceeded):
            return  # nobody knows what would have come of it
        self._cells[self._at + REQUESTS] += 1.0
        self._cells[self._at + (REFUSED if isinstance(error, InvalidInput) else ERRORS)] += 1.0

    def _score(self, row: Array, *, all_finite: bool) -> None:
        """By the first row: rows of one request are seldom strangers, and what is compared is requests."""
        cells, at, bounds = self._cells, self._at, self._bounds
        if not all_finite and np.isnan(row).any():
            cells[at + SCORES_AT + len(bounds) + 1] += 1.0
            return
        values = row.tolist() if row.ndim == 1 and row.size <= _FEW_COLUMNS else None
        highest = row.max() if values is None else max(values)
        cells[at + SCORES_AT + bisect_left(bounds, highest)] += 1.0
        if bounds is PROBABILITY and row.size > 1:
            likeliest = int(row.argmax()) if values is None else values.index(highest)
            cells[at + CLASSES_AT + likeliest % CLASS_BINS] += 1.0


def tally_of(ledger: Ledger, servable: Servable, signature: str, mirror: Mirror | None) -> Tally:
    output, kind = _scored(servable, signature)
    slot = ledger.own.slot((VERSION, servable.model, str(servable.version), kind), SIZE)
    return Tally(slot, output, SCORE_BOUNDS[kind], mirror)


def _scored(servable: Servable, signature: str) -> tuple[str | None, str]:
    """The output that tells how sure a classifier is, or what a regressor says: by the manifest, else the only one."""
    outputs = servable.signatures[signature].outputs
    if signature != DEFAULT_SIGNATURE or len(outputs) != 1 or outputs[0].dtype == "string":
        return None, NO_SCORE_KIND
    described = servable.manifest.outputs if servable.manifest else None
    name, width = outputs[0].name, outputs[0].row_shape
    if isinstance(described, Classification):
        return name, PROBABILITY_KIND
    if isinstance(described, Regression) or len(width) <= 1:
        return name, VALUE_KIND
    return None, NO_SCORE_KIND
