"""Who waits for an answer: what was asked, whom to tell, and what has come of it so far.

Pure but for arrays, which it cuts and never computes with.
"""

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from serving.backend_protocol import Arrays
from serving.batching.collate import Reassembly
from serving.contract.tensors import Array
from serving.errors import PenstockError


class Receipt(NamedTuple):
    """Where a request's time went, in seconds, and how many rows shared its (last) batch. `cache` says what the cache
    did, empty where the model has none.
    """

    queue_seconds: float
    backend_seconds: float
    batch_rows: int
    cache: str = ""


class Answer(NamedTuple):
    """`all_finite`: no output of the batches it rode in has a NaN or an infinity."""

    outputs: dict[str, Array]
    receipt: Receipt
    all_finite: bool


class Waiter(Protocol):
    """Who is told what became of a request, once: an asyncio.Future is one."""

    def done(self) -> bool:
        """Whether nobody waits any more."""

    def set_result(self, answer: Answer, /) -> object: ...

    def set_exception(self, error: PenstockError, /) -> object: ...


@dataclass(slots=True)
class Waiting:
    """One request."""

    inputs: Arrays
    rows: int
    waiter: Waiter
    submitted_at_seconds: float
    sent_at_seconds: float | None = None
    backend_seconds: float = 0.0
    batch_rows: int = 0
    all_finite: bool = True
    outputs: dict[str, Array] = field(default_factory=dict)
    assembly: Reassembly | None = None

    def take(self, outputs: Arrays, offset: int, start: int, rows: int) -> None:
        """Rows [offset, offset + rows) of a batch's outputs are this request's from `start` on."""
        if rows == self.rows:
            self.outputs = {name: array[offset : offset + rows] for name, array in outputs.items()}
            return
        if self.assembly is None:
            self.assembly = Reassembly(self.rows)
        self.assembly.add(outputs, offset, start, rows)
        self.outputs = self.assembly.outputs

    def answer(self) -> Answer:
        waited = (self.sent_at_seconds or self.submitted_at_seconds) - self.submitted_at_seconds
        return Answer(self.outputs, Receipt(waited, self.backend_seconds, self.batch_rows), self.all_finite)
