"""Pandas frames and series as rows, known by their attributes, so that pandas itself is never imported. Pure."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, overload

NUMBERS = "iuf"
"""Kinds of NumPy dtypes: signed and unsigned integers, floats."""


class FrameRows(Sequence[dict[str, Any]]):
    """The rows of a frame as records, made when the first is looked at. Absent values (NaN, NaT, NA) are None."""

    def __init__(self, frame: Any) -> None:
        self.frame = frame

    def __len__(self) -> int:
        return len(self.frame)

    @overload
    def __getitem__(self, place: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, place: slice) -> "FrameRows": ...
    def __getitem__(self, place: int | slice) -> "dict[str, Any] | FrameRows":
        return FrameRows(self.frame.iloc[place]) if isinstance(place, slice) else self._records[place]

    def numbers(self, names: Sequence[str]) -> Any | None:
        """The columns `names`, in this order, as one array; None unless they are all there is, and all numbers."""
        if set(self.frame.columns) != set(names) or len(self.frame.columns) != len(names):
            return None
        if any(getattr(dtype, "kind", "") not in NUMBERS or not hasattr(dtype, "str") for dtype in self.frame.dtypes):
            return None
        return None if self._absent.any() else self.frame[list(names)].to_numpy()

    @cached_property
    def _absent(self) -> Any:
        return self.frame.isna().to_numpy()

    @cached_property
    def _records(self) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = self.frame.to_dict(orient="records")
        names = list(self.frame.columns)
        for row, column in zip(*self._absent.nonzero(), strict=True):
            records[row][names[column]] = None
        return records


def is_frame(value: Any) -> bool:
    return hasattr(value, "iloc") and hasattr(value, "columns")


def is_series(value: Any) -> bool:
    return hasattr(value, "iloc") and not hasattr(value, "columns")


def record_or_values(series: Any, names: Sequence[str]) -> dict[str, Any] | list[Any]:
    """One record where its labels are features, as a frame's row has them; else its values, one a row."""
    values = [None if absent else value for value, absent in zip(series.tolist(), series.isna().tolist(), strict=True)]
    labels = series.index.tolist()
    return dict(zip(labels, values, strict=True)) if labels and set(labels) <= set(names) else values
