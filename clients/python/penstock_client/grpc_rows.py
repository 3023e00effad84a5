"""The rows of a call as tensors, one a feature, and the gateway's pointers into tensors as pointers into rows.

Pure. A row is a bare value where the model has one feature, or a record; which it is, the first row says. An array of
rows of numbers has a column for each feature, in the manifest's order.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock_client.errors import MissingField, WrongDtype, WrongShape
from penstock_client.frames import FrameRows
from penstock_client.grpc_tensors import Locate, Tensor, guessed_tensor, tensor_of
from penstock_client.inputs import ReadFile
from penstock_client.metadata import Feature, ModelMetadata
from penstock_client.npy import is_number_array

FIRST = 3
"""In `/inputs/age/0`, split at its slashes, the place of the row."""


def tensors_of(rows: Sequence[Any], metadata: ModelMetadata, read_file: ReadFile) -> list[Tensor]:
    """Features that no row has are left out, for the gateway to put their defaults in. Raises InvalidInput's family."""
    if isinstance(rows, FrameRows):
        numbers = rows.numbers([feature.name for feature in metadata.features])
        if numbers is not None:
            return _columns(numbers, metadata.features, read_file)
    if not _are_records(rows, metadata.features):
        return [tensor_of(metadata.features[0], rows, lambda row: f"/instances/{row}", read_file)]
    if is_number_array(rows[0]):
        return _columns(rows, metadata.features, read_file)
    _check_records(rows, metadata.features)
    tensors = [
        tensor_of(feature, values, _locate(feature.name), read_file)
        for feature in metadata.features
        if (values := _column(rows, feature, metadata)) is not None
    ]
    names = {feature.name for feature in metadata.features}
    unknown = {name: None for record in rows if not record.keys() <= names for name in record if name not in names}
    tensors += [guessed_tensor(str(name), [record.get(name) for record in rows]) for name in unknown]
    return tensors or _defaults(len(rows), metadata, read_file)


def field_in_rows(field: str | None, rows: Sequence[Any], metadata: ModelMetadata) -> str | None:
    """`/inputs/age/2` as `/instances/2/age`: where it stands in what the caller gave."""
    tokens = field.split("/") if field else []
    if tokens[1:2] != ["inputs"]:
        return field
    records = isinstance(rows[0], Mapping)
    if len(tokens) == 2:  # a feature is missing, and the gateway says no more of it
        return _first_gap(rows, metadata) if records else "/instances/0"
    name = tokens[2]
    if tokens[FIRST:] and tokens[FIRST].isdigit():
        row, rest = int(tokens[FIRST]), tokens[FIRST + 1 :]
    else:
        row, rest = next((row for row, given in enumerate(rows) if records and name in map(_token, given)), 0), []
    if records and _are_records(rows, metadata.features):
        rest = [name, *rest]
    elif len(metadata.features) > 1:  # the array's column
        rest = [str(place) for place, feature in enumerate(metadata.features) if _token(feature.name) == name]
    return "/".join(["/instances", str(row), *rest])


def _first_gap(rows: Sequence[Mapping[str, Any]], metadata: ModelMetadata) -> str:
    """The first place at which a feature that nothing may stand for has no value."""
    needed = [feature.name for feature in metadata.features if _filler(feature.name, metadata) is None]
    gaps = (_locate(name)(row) for name in needed for row, given in enumerate(rows) if given.get(name) is None)
    return next(gaps, "/instances/0")


def _columns(rows: Any, features: Sequence[Feature], read_file: ReadFile) -> list[Tensor]:
    whole = is_number_array(rows)
    shapes = {rows.shape[1:]} if whole else {row.shape for row in rows}
    if shapes != {(len(features),)}:
        told = f"rows of shapes {sorted(shapes)} where each of the {len(features)} features has one number"
        raise WrongShape(told)
    return [
        tensor_of(feature, rows[:, place] if whole else [row[place] for row in rows], _locate(feature.name), read_file)
        for place, feature in enumerate(features)
    ]


def _are_records(rows: Sequence[Any], features: Sequence[Feature]) -> bool:
    return len(features) != 1 or (isinstance(rows[0], Mapping) and rows[0].keys() != {"b64"})


def _check_records(rows: Sequence[Any], features: Sequence[Feature]) -> None:
    for row, record in enumerate(rows):
        if not isinstance(record, Mapping):
            names = ", ".join(f"`{name}`" for name in sorted(feature.name for feature in features))
            raise WrongDtype(
                f"a {type(record).__name__} where a record with {names} is expected", field=f"/instances/{row}"
            )


def _column(rows: Sequence[Mapping[str, Any]], feature: Feature, metadata: ModelMetadata) -> list[Any] | None:
    """None where no row has it. Where some have, the others get what the manifest says of an absent value."""
    values = [record.get(feature.name) for record in rows]
    absent = [row for row, value in enumerate(values) if value is None]
    if not absent:
        return values
    if len(absent) == len(values):
        return None
    filler = _filler(feature.name, metadata)
    if filler is None:
        raise MissingField(
            f"feature `{feature.name}` has no value and no default", field=_locate(feature.name)(absent[0])
        )
    return [filler if value is None else value for value in values]


def _defaults(row_count: int, metadata: ModelMetadata, read_file: ReadFile) -> list[Tensor]:
    """One feature's default in every row, where no row says anything: a request without tensors has no rows."""
    for feature in metadata.features:
        filler = _filler(feature.name, metadata)
        if filler is not None:
            return [tensor_of(feature, [filler] * row_count, _locate(feature.name), read_file)]
    return []


def _filler(name: str, metadata: ModelMetadata) -> Any:
    """NaN says that an optional number is absent; None where nothing may stand for an absent value."""
    described: list[dict[str, Any]] = metadata.manifest.get("features", [])
    said = next((each for each in described if each["name"] == name), {})
    if said.get("optional"):
        return float("nan")
    default = said.get("default")
    return int(default) if isinstance(default, float) and "int" in said["dtype"] else default


def _locate(name: str) -> Locate:
    return lambda row: f"/instances/{row}/{_token(name)}"


def _token(name: Any) -> str:
    """A name as one token of a pointer (RFC 6901)."""
    return str(name).replace("~", "~0").replace("/", "~1")
