"""Many predictions as the caller reads them: a sequence over the columns that came, each made when it is looked at.

Pure.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, overload

from penstock_client.extras import bring
from penstock_client.metadata import ModelMetadata, reading
from penstock_client.prediction import PROBABILITIES, VALUE, Prediction, read_prediction
from penstock_client.timing import Timing


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
    timing: Timing | None = None

    def prediction(self, row: int) -> Prediction:
        """Raises UnexpectedAnswer where a value is not what the metadata says."""
        with reading("the prediction"):
            outputs = {name: _plain(column[row]) for name, column in self.columns.items()}
            return read_prediction(outputs, self.metadata, self.request_id, self.timing)


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

    @property
    def version(self) -> int | None:
        """The version that answered; None where several did, or there are no rows."""
        return self.versions[0] if len(self.versions) == 1 else None

    def to_numpy(self, output: str | None = None) -> Any:
        """An array, first the rows: a classifier's probabilities [rows, labels], a regressor's values [rows].

        Elsewhere `output` names which; it may be left out where there is one. What the model could not compute is
        NaN. Raises ValueError where two versions answered and differ in what there is, and ModuleNotFoundError
        without numpy.
        """
        numpy = bring("numpy", needs="to_numpy() needs numpy", pip="numpy")
        if not self._parts:
            return numpy.empty((0,))
        kinds = {(part.metadata.task, part.metadata.labels, tuple(part.columns)) for part in self._parts}
        if len(kinds) > 1:
            raise ValueError(f"versions {self.versions} answered, and differ in what they do; look at `parts`")
        arrays = [_array(part, output, numpy) for part in self._parts]
        return arrays[0] if len(arrays) == 1 else numpy.concatenate(arrays)

    def to_pandas(self) -> Any:
        """A DataFrame, a row each.

        A classifier's has `label` and a column `probability_...` for each label, a regressor's a column named as
        its target, any other a column for each output; all have `version`. Raises ModuleNotFoundError without pandas.
        """
        pandas = bring("pandas", needs="to_pandas() needs pandas", pip="pandas")
        frames = [pandas.DataFrame(_table(part)) for part in self._parts]
        return pandas.concat(frames, ignore_index=True) if frames else pandas.DataFrame()

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
    columns: Mapping[str, Column],
    metadata: ModelMetadata,
    row_count: int,
    request_id: str | None,
    timing: Timing | None = None,
) -> AnsweredRows:
    """Raises KeyError, TypeError or ValueError where there are not `row_count` rows of what the task answers."""
    for name, column in columns.items():
        if len(column) != row_count:
            raise ValueError(f"{len(column)} values of {name} for {row_count} rows")
    if metadata.task == "classification":
        _check_widths(columns[PROBABILITIES], len(metadata.labels))
    elif metadata.task == "regression":
        _check_widths(columns[VALUE], 1)
    return AnsweredRows(columns, metadata, row_count, request_id, timing)


def _check_widths(column: Column, width: int) -> None:
    shape = getattr(column, "shape", None)
    shapes = {tuple(shape[1:])} if shape is not None else {(len(column[row]),) for row in range(len(column))}
    if shapes - {(width,)}:
        raise ValueError(f"rows of shapes {sorted(shapes)} where ({width},) belongs")


def _array(part: AnsweredRows, output: str | None, numpy: Any) -> Any:
    known = {"classification": PROBABILITIES, "regression": VALUE}.get(part.metadata.task or "")
    name = output or known or next(iter(part.columns))
    if name not in part.columns or (output is None and known is None and len(part.columns) > 1):
        raise ValueError(f"the outputs are {', '.join(part.columns)}; name one of them")
    column = part.columns[name]
    is_list = isinstance(column, list)
    array = numpy.array(column, dtype=numpy.float64 if is_list and name == known else None)
    return array[:, 0] if name == VALUE == known else array


def _table(part: AnsweredRows) -> dict[str, list[Any]]:
    """The columns of a frame, by their names."""
    rows = [part.prediction(row) for row in range(part.row_count)]
    version = {"version": [part.metadata.version] * part.row_count}
    if part.metadata.task == "classification":
        scores = {f"probability_{label}": [row.probabilities[label] for row in rows] for label in part.metadata.labels}
        return {"label": [row.label for row in rows], **scores, **version}
    if part.metadata.task == "regression":
        return {part.metadata.target or VALUE: [row.value for row in rows], **version}
    return {**{name: [row.outputs[name] for row in rows] for name in part.columns}, **version}


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value
