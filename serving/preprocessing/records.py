"""The rows of a request (`instances`) to arrays, checked against the features of the version that answers.

Pure. A row is a bare value where the model has one feature, or an object with the features' names.
"""

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches

from serving.contract.features import Feature, NumberFeature
from serving.contract.tensors import Array
from serving.errors import InvalidInput, MissingField, UnknownField, WrongDtype
from serving.preprocessing.arrays import json_name
from serving.preprocessing.columns import decode_column, default_of, is_base64


def decode_instances(instances: object, features: Sequence[Feature]) -> dict[str, Array]:
    """One array per feature, [rows, *row_shape]. Raises InvalidInput's family, the pointer starting `/instances`."""
    if not isinstance(instances, list):
        raise WrongDtype(f"`instances` is {json_name(instances)}; a list of rows is expected", pointer="/instances")
    if not instances:
        raise InvalidInput("`instances` is empty; at least one row is expected", pointer="/instances")
    if len(features) == 1 and not _is_record(instances[0]):
        return {features[0].name: decode_column(features[0], instances, _bare_locate)}
    _check_records(instances, features)
    return {
        feature.name: decode_column(feature, _column(instances, feature), _field_locate(feature.name))
        for feature in features
    }


def _bare_locate(row: int) -> str:
    return f"/instances/{row}"


def _field_locate(name: str) -> Callable[[int], str]:
    escaped = pointer_token(name)
    return lambda row: f"/instances/{row}/{escaped}"


def pointer_token(name: str) -> str:
    """A name as one token of an RFC 6901 pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def _is_record(value: object) -> bool:
    return isinstance(value, dict) and not is_base64(value)


def _check_records(instances: Sequence[object], features: Sequence[Feature]) -> None:
    names = {feature.name for feature in features}
    for row, record in enumerate(instances):
        if not isinstance(record, dict):
            raise WrongDtype(
                f"{json_name(record)} where an object with {_listed(names)} is expected", pointer=_bare_locate(row)
            )
        if not record.keys() <= names:
            raise _unknown(row, next(name for name in record if name not in names), names)


def _unknown(row: int, name: str, names: set[str]) -> UnknownField:
    close = get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"its features are {_listed(names)}"
    return UnknownField(
        f"the model has no feature {name[:64]!r}; {hint}", pointer=f"{_bare_locate(row)}/{pointer_token(name[:64])}"
    )


def _listed(names: set[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def _column(instances: Sequence[Mapping[str, object]], feature: Feature) -> list[object]:
    name = feature.name
    column = [record.get(name) for record in instances]  # null and absent mean the same: no value was given
    if None not in column:
        return column
    if isinstance(feature, NumberFeature) and feature.optional:
        return column
    default = default_of(feature)
    if default is None:
        row = next(row for row, value in enumerate(column) if value is None)
        raise MissingField(
            f"feature `{name}` has no value and no default", pointer=f"{_bare_locate(row)}/{pointer_token(name)}"
        )
    return [default if value is None else value for value in column]
