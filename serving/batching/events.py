"""What goes into the batching core and what comes out of it.

Pure facts. Times are seconds on one monotonic clock; sizes are rows, never requests. What is made once a request is a
named tuple, which costs a fifth of a frozen dataclass.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple, TypeAlias

from serving.backend_protocol import Arrays, Target
from serving.errors import PenstockError

Layout: TypeAlias = tuple[tuple[str, str, tuple[int, ...]], ...]
"""Each input's name, dtype and row shape, in name order."""


class Lane(IntEnum):
    """How urgent a request is; the least number first."""

    HIGH = 0
    NORMAL = 1
    BATCH = 2


@dataclass(frozen=True, slots=True)
class BatchRules:
    """What the batches of one queue keep to, by its model's settings and manifest."""

    allowed_rows: tuple[int, ...] = ()
    """Rising; no call has another number of rows. Empty: any number."""
    max_rows: int | None = None
    """The most rows of one call, where the model has a limit of its own."""
    objective_seconds: float | None = None
    """The gateway's share of the latency objective: twice the largest batch's time should fit into it."""
    max_wait_seconds: float = 0.0
    """How long a batch that is not full may wait for company. 0: never, a free slot is filled at once."""


ANY_BATCH = BatchRules()


@dataclass(frozen=True, slots=True, eq=False)
class QueueKey:
    """Requests with equal keys may share a batch. Its hash is reckoned once, for every request looks its queue up."""

    target: Target
    layout: Layout
    rules: BatchRules = ANY_BATCH
    _hash: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.target, self.layout, self.rules)))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, QueueKey) and (self.target, self.layout, self.rules) == (
            other.target,
            other.layout,
            other.rules,
        )


class Submission(NamedTuple):
    """A request that asks to be queued; `tenant` is who shares fairly with other tenants."""

    request: int
    key: QueueKey
    rows: int
    nbytes: int
    deadline_seconds: float
    lane: Lane = Lane.NORMAL
    tenant: str = ""


class RowSlice(NamedTuple):
    """Rows [start, start + rows) of a request, as a part of a batch."""

    request: int
    start: int
    rows: int


@dataclass(frozen=True, slots=True)
class SendBatch:
    """Call the backend with these rows, in this order; after `deadline_seconds`, which is the latest of the
    members' or later, the answer is of no use any more.

    `rows` is how many the slices have together, `padded_rows` how many the call has: those past the members' own are
    copies of a real one.
    """

    batch: int
    key: QueueKey
    slices: tuple[RowSlice, ...]
    deadline_seconds: float
    padded_rows: int
    rows: int


class Complete(NamedTuple):
    """Every row of the request has its answer."""

    request: int


class Reject(NamedTuple):
    """The request ends with this error and will not be heard of again."""

    request: int
    error: PenstockError


Action: TypeAlias = SendBatch | Complete | Reject

MOST_LAYOUTS = 256
"""Layouts remembered of one signature: a few as a rule, without end where a dimension is free."""


def layout_of(inputs: Arrays) -> Layout:
    return tuple((name, array.dtype.str, array.shape[1:]) for name, array in sorted(inputs.items()))


class Queues:
    """The queues of one signature: equal layouts get the very same key, found without sorting or naming anything."""

    __slots__ = ("_known", "_rules", "_target")

    def __init__(self, target: Target, rules: BatchRules) -> None:
        self._target, self._rules = target, rules
        self._known: dict[object, QueueKey] = {}

    def only_key(self) -> QueueKey | None:
        """The one that all requests had so far; None before the first, and where they differ."""
        return next(iter(self._known.values())) if len(self._known) == 1 else None

    def key_of(self, inputs: Arrays) -> QueueKey:
        seen = tuple([(name, array.dtype, array.shape[1:]) for name, array in inputs.items()])
        key = self._known.get(seen)
        if key is None:
            if len(self._known) >= MOST_LAYOUTS:
                self._known.clear()
            key = self._known[seen] = QueueKey(self._target, layout_of(inputs), self._rules)
        return key
