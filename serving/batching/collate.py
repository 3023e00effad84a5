"""Rows of several requests to one batch, and a batch's answers back to their requests.

Pure. A request that is a whole batch by itself is neither copied in nor out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from serving.backend_protocol import Arrays
from serving.contract.tensors import Array
from serving.errors import BackendRejected


class Part(NamedTuple):
    """Rows [start, start + rows) of one request's inputs."""

    inputs: Arrays
    start: int
    rows: int


def collate(parts: Sequence[Part], sizes: Sequence[int] = ()) -> dict[str, Array]:
    """One array per input with the parts' rows in order; they agree in names, dtypes and row shapes.

    Filled up to the least of `sizes` (rising) that holds them, with copies of the last row, never with zeros: a graph
    may refuse a row that nobody would send.
    """
    missing = 0
    if sizes:
        rows = sum(part.rows for part in parts)
        missing = next((size for size in sizes if size >= rows), rows) - rows
    if len(parts) == 1 and not missing:
        inputs, start, rows = parts[0]
        if all(len(array) == rows for array in inputs.values()):
            return dict(inputs)
        return {name: array[start : start + rows] for name, array in inputs.items()}
    return {name: _joined(name, parts, missing) for name in parts[0].inputs}


def _joined(name: str, parts: Sequence[Part], missing: int) -> Array:
    arrays = []
    for inputs, start, rows in parts:
        array = inputs[name]
        arrays.append(array if len(array) == rows else array[start : start + rows])
    if missing:
        arrays.append(np.repeat(arrays[-1][-1:], missing, axis=0))
    return np.concatenate(arrays)


def all_finite(outputs: Arrays) -> bool:
    """Whether no number among them is a NaN or an infinity."""
    return all(array.dtype.kind != "f" or bool(np.isfinite(array).all()) for array in outputs.values())


def check_rows(outputs: Arrays, rows: int) -> None:
    """Raise BackendRejected unless every output has exactly one row per input row."""
    for name, array in outputs.items():
        if array.ndim == 0 or len(array) != rows:
            got = "a single value" if array.ndim == 0 else f"{len(array)} rows"
            raise BackendRejected(f"output {name} has {got} for {rows} rows of input; it cannot be batched")


@dataclass(slots=True)
class Reassembly:
    """The outputs of one request, put together from the batches that carried its rows."""

    rows: int
    outputs: dict[str, Array] = field(default_factory=dict)

    def add(self, outputs: Arrays, offset: int, start: int, rows: int) -> None:
        """Rows [offset, offset + rows) of a batch's outputs are rows [start, start + rows) of the request."""
        if rows == self.rows:
            self.outputs = {name: array[offset : offset + rows] for name, array in outputs.items()}
            return
        if not self.outputs:
            self.outputs = {
                name: np.empty((self.rows, *array.shape[1:]), array.dtype) for name, array in outputs.items()
            }
        if _layout(outputs) != _layout(self.outputs):
            raise BackendRejected("the outputs changed their names, dtypes or shapes between two parts of one request")
        for name, whole in self.outputs.items():
            whole[start : start + rows] = outputs[name][offset : offset + rows]


def _layout(outputs: Arrays) -> dict[str, tuple[str, tuple[int, ...]]]:
    return {name: (array.dtype.str, array.shape[1:]) for name, array in outputs.items()}
