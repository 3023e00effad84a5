"""A request's named arrays to the arrays a version takes, by its features.

Pure. Unlike JSON's rows these arrive as whole columns; checks, ranges and defaults are the same.
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

import numpy as np

from serving.contract.features import Feature, NumberFeature
from serving.contract.tensors import Array, TensorSpec
from serving.errors import InvalidInput, MissingField, UnknownField, WrongDtype, WrongShape
from serving.preprocessing.arrays import Locate
from serving.preprocessing.columns import decode_column, decode_given, default_of


def decode_named(
    arrays: Mapping[str, Array], features: Sequence[Feature], pointers: Mapping[str, str]
) -> dict[str, Array]:
    """One array per feature, [rows, *row_shape]. `pointers` says where each array stood in the request.

    A NaN says that an optional number is absent: a tensor has no null. Raises InvalidInput's family.
    """
    _check_names(arrays, features, pointers)
    rows = _rows(arrays, pointers)
    return {
        feature.name: _column(feature, arrays[feature.name], pointers[feature.name])
        if feature.name in arrays
        else _absent(feature, rows)
        for feature in features
    }


def chosen_outputs(specs: Sequence[TensorSpec], wanted: Sequence[str], pointers: Sequence[str]) -> Sequence[str]:
    """The outputs to answer with, in the order asked; all of them when none is named. Raises UnknownField."""
    names = [spec.name for spec in specs]
    for name, pointer in zip(wanted, pointers, strict=True):
        if name not in names:
            raise UnknownField(f"no output {name[:64]!r}; there are {', '.join(names)}", pointer=pointer)
    return wanted or names


def _check_names(arrays: Mapping[str, Array], features: Sequence[Feature], pointers: Mapping[str, str]) -> None:
    names = [feature.name for feature in features]
    for name in arrays:
        if name not in names:
            close = get_close_matches(name, names, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(names)}"
            raise UnknownField(f"no input {name[:64]!r}; {hint}", pointer=pointers[name])


def _rows(arrays: Mapping[str, Array], pointers: Mapping[str, str]) -> int:
    rows = None
    for name, array in arrays.items():
        if array.ndim == 0:
            raise WrongShape("a single value; the first dimension counts rows", pointer=pointers[name])
        if rows is not None and len(array) != rows:
            raise WrongShape(f"{len(array)} rows where another input has {rows}", pointer=pointers[name])
        rows = len(array)
    if rows == 0:
        raise InvalidInput("no rows; at least one is expected", pointer=next(iter(pointers.values())))
    return rows or 0


def _column(feature: Feature, array: Array, pointer: str) -> Array:
    locate = _locate(pointer)
    if array.dtype == object:
        return decode_column(feature, array.tolist(), locate)
    if feature.dtype == "string":
        raise WrongDtype(f"values of type {array.dtype} where strings are expected", pointer=pointer)
    if isinstance(feature, NumberFeature) and feature.optional and array.dtype.kind == "f" and array.ndim == 1:
        return decode_given(feature, array, ~np.isnan(array.astype(np.float64, copy=False)), locate)
    return decode_column(feature, array, locate)


def _locate(pointer: str) -> Locate:
    return lambda row: f"{pointer}/{row}"


def _absent(feature: Feature, rows: int) -> Array:
    default = default_of(feature)
    if not rows or (default is None and not (isinstance(feature, NumberFeature) and feature.optional)):
        raise MissingField(f"input `{feature.name}` is missing and has no default", pointer="/inputs")
    return decode_column(feature, [default] * rows, lambda _: "/inputs")
