"""Text cells, as CSV and forms have them, to a feature's column of values.

Pure. An empty cell is an absent value, but for a text without a default, which it is itself. Cells of what is no
number and no string are JSON, an image's is base64.
"""

from collections.abc import Callable, Sequence

import numpy as np
import orjson

from serving.contract.features import CategoryFeature, Feature, ImageFeature, TextFeature
from serving.contract.tensors import NUMPY_DTYPES, Array
from serving.errors import WrongDtype
from serving.preprocessing.arrays import Locate
from serving.preprocessing.columns import decode_column
from serving.preprocessing.records import filled

_TRUTH = {"true": True, "false": False}
_DIGIT_GAP = "_"
"""Python reads 1_000 as a number; nobody who writes CSV means one by it."""


def decode_cells(feature: Feature, cells: Sequence[str], locate: Locate) -> Array:
    """One array from a column of cells, one a row. Raises InvalidInput's family with `locate(row)` as the pointer."""
    keeps_empty = isinstance(feature, TextFeature) and feature.default is None
    if keeps_empty or "" not in cells:
        return decode_column(feature, _values(feature, cells, locate), locate)
    given = [row for row, cell in enumerate(cells) if cell]
    values = _values(feature, [cells[row] for row in given], lambda place: locate(given[place]))
    listed = iter(values.tolist() if isinstance(values, np.ndarray) else values)
    column = [next(listed) if cell else None for cell in cells]
    return decode_column(feature, filled(column, feature, locate), locate)


def _values(feature: Feature, cells: Sequence[str], locate: Locate) -> Sequence[object] | Array:
    if isinstance(feature, ImageFeature):
        return _each(_image, "base64 or JSON", cells, locate)
    if isinstance(feature, TextFeature | CategoryFeature):
        return cells
    if feature.row_shape:
        return _each(_json, "JSON", cells, locate)
    if feature.dtype == "string":
        return cells
    kind = NUMPY_DTYPES[feature.dtype].kind
    if kind == "b":
        return _each(_TRUTH.__getitem__, "true or false", cells, locate)
    return _numbers(cells, locate) if kind == "f" else _each(_integer, "an integer", cells, locate)


def _numbers(cells: Sequence[str], locate: Locate) -> Array:
    if not any(_DIGIT_GAP in cell for cell in cells):
        try:
            return np.fromiter(map(float, cells), np.float64, len(cells))
        except ValueError:
            pass  # the walk below finds where
    return np.array(_each(_number, "a number", cells, locate), np.float64)


def _each(read: Callable[[str], object], wanted: str, cells: Sequence[str], locate: Locate) -> list[object]:
    values: list[object] = []
    for row, cell in enumerate(cells):
        try:
            values.append(read(cell))
        except (ValueError, KeyError):
            raise WrongDtype(f"{cell[:64]!r} where {wanted} is expected", pointer=locate(row)) from None
    return values


def _number(cell: str) -> float:
    return float(_without_gaps(cell))


def _integer(cell: str) -> int:
    return int(_without_gaps(cell))


def _without_gaps(cell: str) -> str:
    if _DIGIT_GAP in cell:
        raise ValueError(cell)
    return cell


def _image(cell: str) -> object:
    return orjson.loads(cell) if cell.startswith("[") else {"b64": cell}


def _json(cell: str) -> object:
    return orjson.loads(cell)
