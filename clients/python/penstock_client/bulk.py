"""A large batch's plan: which chunks are under way, their answers in order, and whose row an error is about.

Pure. `bulk_threads.py` and `bulk_tasks.py` carry it out for the sync and the async client.
"""

import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from penstock_client.bulk_cutting import Chunk
from penstock_client.errors import PenstockError
from penstock_client.inputs import split_rows
from penstock_client.messages import Address, Flow
from penstock_client.metadata import Feature
from penstock_client.predictions import AnsweredRows
from penstock_client.protocol import Protocol

Answer = TypeVar("Answer")

DEFAULT_CONCURRENCY = 4
"""Requests under way: enough that the gateway never waits for the next one, even where the network takes a while."""
CHUNKS_AHEAD = 2
"""How many times `concurrency` chunks may be held, so that a slow one does not stop those behind it at once."""

TellProgress: TypeAlias = Callable[[int, int | None], object]
"""Hears after each answer how many rows are done, and of how many, where that is known."""

_ROW = re.compile(r"(?:/instances)?/(?P<row>\d+)(?:/(?P<rest>.*))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkOptions:
    """How a large batch is sent; `Client.predict_many` says what each means. Raises ValueError."""

    chunk_rows: int | None = None
    concurrency: int | None = None
    progress: bool | TellProgress = False
    same_version: bool = False

    def __post_init__(self) -> None:
        for name, value in (("chunk_rows", self.chunk_rows), ("concurrency", self.concurrency)):
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}; it must be at least 1")

    @property
    def requests_under_way(self) -> int:
        return self.concurrency or DEFAULT_CONCURRENCY


@dataclass(frozen=True, slots=True)
class ChunkOutcome(Generic[Answer]):
    """What became of a chunk: an answer, or else the error."""

    index: int
    answer: Answer | None = None
    error: Exception | None = None


class Window(Generic[Answer]):
    """The chunks between the first without an answer and the newest one sent: a bounded number.

    Once one has failed there is no room for more, and the error is raised when those before it are through: so what
    was answered is always everything up to one row.
    """

    def __init__(self, concurrency: int) -> None:
        self._most = concurrency * CHUNKS_AHEAD
        self._order: deque[int] = deque()
        self._outcomes: dict[int, ChunkOutcome[Answer]] = {}
        self._failed = False

    @property
    def has_room(self) -> bool:
        return not self._failed and len(self._order) < self._most

    @property
    def is_empty(self) -> bool:
        return not self._order

    def open(self, index: int) -> None:
        """The chunk, the next in order, is under way."""
        self._order.append(index)

    def close(self, outcome: ChunkOutcome[Answer]) -> None:
        self._outcomes[outcome.index] = outcome
        self._failed = self._failed or outcome.error is not None

    def ready(self) -> Iterator[Answer]:
        """The answers whose turn it is, each once. Raises the error of a chunk whose turn it is."""
        while self._order and (outcome := self._outcomes.pop(self._order[0], None)) is not None:
            if outcome.error is not None:
                raise outcome.error
            self._order.popleft()
            yield outcome.answer  # type: ignore[misc]  # no error: there is an answer, which may itself be None


def chunk_flow(protocol: Protocol, address: Address, chunk: Chunk) -> Flow[AnsweredRows]:
    """One chunk's request. An error names the row counted over the whole batch."""
    metadata = yield from protocol.described(address)
    rows = split_rows(chunk.rows, metadata.features)
    if not rows.many:
        raise ValueError("the inputs are one row; predict answers one, predict_many takes an array or a list of rows")
    try:
        return (yield from protocol.predict_rows(address, rows))
    except PenstockError as error:
        error.field = field_in_batch(error.field, chunk.start, metadata.features)
        raise


def pinned(address: Address, answered: AnsweredRows) -> Address:
    """The version that answered, by its number."""
    return Address(address.model, version=answered.metadata.version)


def field_in_batch(field: str | None, start: int, features: tuple[Feature, ...]) -> str:
    """`/instances/3/age` of a chunk that begins at row 2000 is `/instances/2003/age` of the batch.

    An array's pointer (`/3/0`) is written the same way, with the column's name. An error that names no row is at the
    first.
    """
    found = _ROW.fullmatch(field or "")
    if found is None:
        return f"/instances/{start}"
    place = f"/instances/{start + int(found['row'])}"
    rest = found["rest"]
    if rest is None:
        return place
    is_column = len(features) > 1 and rest.isdecimal() and int(rest) < len(features)
    return f"{place}/{features[int(rest)].name if is_column else rest}"
