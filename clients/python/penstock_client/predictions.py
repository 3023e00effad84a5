"""Many predictions as the caller reads them: a sequence over the columns that came, each made when it is looked at.

Pure.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, overload

from penstock_client.metadata import ModelMetadata, reading
from penstock_client.prediction import PROBABILITIES, VALUE, Prediction, read_prediction


class Column(Protocol):
    """The values of one output, first the rows: a list, or an array whose rows have `tolist`."""

    def __len__(self) -> int: ...

    def __getitem__(self, row: int, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class AnsweredRows:
    """The rows of one request as one version answered them.

    `columns` are by output. Made by `read_answered`, which looks at their lengths.
    """

    columns: Mapping[str, Column]
    metadata: ModelMetadata
    row_count: int
    request_id: str | None = None

    def prediction(self, row: int) -> Prediction:
        """Raises UnexpectedAnswer where a value is not what the metadata says."""
        with reading("the prediction"):
            outputs = {name: _plain(column[row]) for name, column in self.columns.items()}
            return read_prediction(outputs, self.metadata, self.request_id)


class Predictions(Sequence[Prediction]):
    """One Prediction for each row of a call, in order.

    Each is made when it is asked for, so that 100,000 rows cost nothing before somebody looks. Where the rows were
    sent in several requests, a version change between them shows in `versions`.
    """

    __slots__ = ("_ends", "_parts")

    def __init__(self, parts: Iterable[AnsweredRows]) -> None:
        self._parts = tuple(parts)
        self._ends: list[int] = []
        for part in self._parts:
            self._ends.append(len(self) + part.row_count)

    @property
    def parts(self) -> tuple[AnsweredRows, ...]:
        """The answers by request, in the order of the rows."""
        return self._parts

    @property
    def versions(self) -> tuple[int, ...]:
        """The versions that answered, lowest first; one, but for a change between two requests of the call."""
        return tuple(sorted({part.metadata.version for part in self._parts}))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, place: int) -> Prediction: ...
    @overload
    def __getitem__(self, place: slice) -> list[Prediction]: ...
    def __getitem__(self, place: int | slice) -> Prediction | list[Prediction]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        row = place + len(self) if place < 0 else place
        if not 0 <= row < len(self):
            raise IndexError(f"row {place} of {len(self)} predictions")
        index = bisect_right(self._ends, row)
        part = self._parts[index]
        return part.prediction(row - self._ends[index] + part.row_count)

    def __repr__(self) -> str:
        return f"<{len(self)} predictions of {self._parts[0].metadata.model}>" if self._parts else "<no predictions>"


def columns_of(rows: Sequence[Any], names: Sequence[str]) -> dict[str, Column]:
    """From JSON's rows, which leave the name out where there is one output. Raises KeyError and TypeError."""
    if len(names) == 1:
        return {names[0]: rows}
    return {name: [row[name] for row in rows] for name in names}


def read_answered(
    columns: Mapping[str, Column], metadata: ModelMetadata, row_count: int, request_id: str | None
) -> AnsweredRows:
    """Raises KeyError, TypeError or ValueError where there are not `row_count` rows of what the task answers."""
    for name, column in columns.items():
        if len(column) != row_count:
            raise ValueError(f"{len(column)} values of {name} for {row_count} rows")
    if metadata.task == "classification":
        _check_widths(columns[PROBABILITIES], len(metadata.labels))
    elif metadata.task == "regression":
        _check_widths(columns[VALUE], 1)
    return AnsweredRows(columns, metadata, row_count, request_id)


def _check_widths(column: Column, width: int) -> None:
    shape = getattr(column, "shape", None)
    shapes = {tuple(shape[1:])} if shape is not None else {(len(column[row]),) for row in range(len(column))}
    if shapes - {(width,)}:
        raise ValueError(f"rows of shapes {sorted(shapes)} where ({width},) belongs")


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value
