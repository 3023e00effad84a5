"""The rows or columns of a request to arrays, checked against the features of the version that answers.

Pure. A row is a bare value where the model has one feature, or an object with the features' names; columns are a list
of values where the model has one feature, or an object of such lists.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np

from serving.contract.features import Feature, NumberFeature
from serving.contract.tensors import Array
from serving.errors import InvalidInput, MissingField, UnknownField, WrongDtype, WrongShape
from serving.preprocessing.arrays import Locate, json_name, pointer_token
from serving.preprocessing.columns import decode_column, default_of, is_base64


def decode_instances(instances: object, features: Sequence[Feature], *, member: str = "instances") -> dict[str, Array]:
    """One array per feature, [rows, *row_shape]. Raises InvalidInput's family, the pointer starting `/{member}`."""
    if not isinstance(instances, list):
        raise WrongDtype(f"`{member}` is {json_name(instances)}; a list of rows is expected", pointer=f"/{member}")
    if not instances:
        raise InvalidInput(f"`{member}` is empty; at least one row is expected", pointer=f"/{member}")
    return decode_rows(instances, features, lambda row: f"/{member}/{row}")


def decode_rows(rows: Sequence[object], features: Sequence[Feature], locate: Locate) -> dict[str, Array]:
    """`decode_instances` for rows, at least one, that stand wherever `locate` says."""
    if len(features) == 1 and not _is_record(rows[0]):
        return {features[0].name: decode_column(features[0], rows, locate)}
    _check_records(rows, features, locate)
    return {
        feature.name: decode_column(feature, _column(rows, feature, locate), _field_locate(locate, feature.name))
        for feature in features
    }


def decode_inputs(inputs: object, features: Sequence[Feature]) -> dict[str, Array]:
    """The same arrays from columns. Raises InvalidInput's family, the pointer starting `/inputs`."""
    if isinstance(inputs, list) and len(features) == 1:
        inputs = {features[0].name: inputs}
        return decode_columns(inputs, features, lambda _: "/inputs")
    if not isinstance(inputs, dict) or is_base64(inputs):
        wanted = listed_names({feature.name for feature in features})
        raise WrongDtype(f"`inputs` is {json_name(inputs)}; an object of lists is expected, with {wanted}",
                         pointer="/inputs")  # fmt: skip
    return decode_columns(inputs, features, lambda name: f"/inputs/{pointer_token(name)}")


def decode_columns(
    columns: Mapping[str, Sequence[object] | Array], features: Sequence[Feature], locate: Callable[[str], str]
) -> dict[str, Array]:
    """One array per feature from its column, which `locate` places; a column left out has the feature's default in
    every row.
    """
    names = {feature.name for feature in features}
    for name in columns.keys() - names:
        raise unknown_field(name, names, locate(name[:64]))
    rows = _common_length(columns, locate)
    return {feature.name: _whole_column(columns, feature, rows, locate) for feature in features}


def _common_length(columns: Mapping[str, Sequence[object] | Array], locate: Callable[[str], str]) -> int:
    rows: int | None = None
    for name, values in columns.items():
        if not isinstance(values, list | np.ndarray) or (isinstance(values, np.ndarray) and not values.ndim):
            raise WrongShape(f"{json_name(values)} where a list with one element a row is expected",
                             pointer=locate(name))  # fmt: skip
        if rows is not None and len(values) != rows:
            raise WrongShape(f"{len(values)} rows where the inputs before have {rows}", pointer=locate(name))
        rows = len(values)
    if not rows:
        raise InvalidInput("no rows; at least one is expected", pointer=locate(next(iter(columns), "")).rstrip("/"))
    return rows


def _whole_column(
    columns: Mapping[str, Sequence[object] | Array], feature: Feature, rows: int, locate: Callable[[str], str]
) -> Array:
    pointer = locate(feature.name)
    column: Sequence[object] | Array | None = columns.get(feature.name)
    if column is None:
        column = [None] * rows
    if isinstance(column, list) and None in column:
        column = filled(column, feature, lambda row: pointer if feature.name not in columns else f"{pointer}/{row}")
    return decode_column(feature, column, lambda row: f"{pointer}/{row}")


def _field_locate(locate: Locate, name: str) -> Locate:
    escaped = pointer_token(name)
    return lambda row: f"{locate(row)}/{escaped}"


def _is_record(value: object) -> bool:
    return isinstance(value, dict) and not is_base64(value)


def _check_records(rows: Sequence[object], features: Sequence[Feature], locate: Locate) -> None:
    names = {feature.name for feature in features}
    for row, record in enumerate(rows):
        if not isinstance(record, dict):
            raise WrongDtype(
                f"{json_name(record)} where an object with {listed_names(names)} is expected", pointer=locate(row)
            )
        if not record.keys() <= names:
            name = next(name for name in record if name not in names)
            raise unknown_field(name, names, f"{locate(row)}/{pointer_token(name[:64])}")


def unknown_field(name: str, names: set[str], pointer: str) -> UnknownField:
    """The error for a name that is no feature's, with the likeliest one that is."""
    close = get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"its features are {listed_names(names)}"
    return UnknownField(f"the model has no feature {name[:64]!r}; {hint}", pointer=pointer)


def listed_names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def _column(rows: Sequence[Any], feature: Feature, locate: Locate) -> list[object]:
    name = feature.name
    column = [record.get(name) for record in rows]  # null and absent mean the same: no value was given
    return filled(column, feature, _field_locate(locate, name)) if None in column else column


def filled(column: list[object], feature: Feature, locate: Locate) -> list[object]:
    """`column` with the feature's default for every None; an optional feature's stay. Raises MissingField."""
    if isinstance(feature, NumberFeature) and feature.optional:
        return column
    default = default_of(feature)
    if default is None:
        row = next(row for row, value in enumerate(column) if value is None)
        raise MissingField(f"feature `{feature.name}` has no value and no default", pointer=locate(row))
    return [default if value is None else value for value in column]
