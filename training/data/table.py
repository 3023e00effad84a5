"""Rows from one CSV, TSV or Parquet file, each column as its feature's kind.

Rows are counted from 0, below the header. Everything in a text file is read as text first, so that a wrong field can
be named by its row and column.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import compute, csv, parquet

from serving.contract.features import CategoryFeature, NumberFeature, TextFeature
from serving.contract.manifest import Regression
from serving.contract.tensors import Array
from serving.errors import InvalidInput, InvalidJob
from training.data.dataset import Dataset, given
from training.data.spec import TableSpec
from training.job import JobSpec


def read_table(path: Path, spec: TableSpec, job: JobSpec) -> Dataset:
    """Numbers are float64, NaN where absent; categories and texts are objects, None where absent; the column that the
    split goes by is compared as numbers where it has nothing else, else as text.

    Raises InvalidJob for a file or column that is not there, InvalidInput for a value that is not of its column's
    kind and for a row without a target.
    """
    table = check_table(path, read_arrow(path, spec), wanted_columns(spec, job))
    columns = {
        feature.name: number_column(table, feature.name, path)
        if isinstance(feature, NumberFeature)
        else text_column(table, feature.name)
        for feature in job.features
    }
    return Dataset(
        source=f"table {path.name}",
        columns=columns,
        target=_target(table, spec.target, path, numeric=isinstance(job.outputs, Regression)),
        split_by=_split_column(table, job.split.column, path) if job.split.column else None,
    )


def wanted_columns(spec: TableSpec, job: JobSpec) -> list[str]:
    for feature in job.features:
        if not isinstance(feature, NumberFeature | CategoryFeature | TextFeature):
            raise InvalidJob(f"features: {feature.name} is an {feature.kind}; a table has none")
    by = [job.split.column] if job.split.column else []
    return [*(feature.name for feature in job.features), spec.target, *by]


def read_arrow(path: Path, spec: TableSpec) -> pa.Table:
    """The whole file. Raises InvalidJob where there is none or it cannot be read."""
    try:
        if path.suffix == ".parquet":
            return parquet.read_table(path)
        return csv.read_csv(path, **csv_options(path, spec))
    except OSError as error:
        raise InvalidJob(f"data.path: {path}: {error.strerror or error}") from error
    except pa.ArrowInvalid as error:
        raise InvalidJob(f"data.path: {path}: {error}") from error


def csv_options(
    path: Path, spec: TableSpec, block_bytes: int | None = None, wanted: Sequence[str] = ()
) -> dict[str, Any]:
    """How pyarrow reads `path`, every field as text, of all columns or those `wanted`. Opens it for its header."""
    delimiter = "\t" if ".tsv" in path.suffixes else ","
    parse = csv.ParseOptions(
        delimiter=delimiter, quote_char='"' if spec.quoted else False, newlines_in_values=spec.quoted
    )
    read = csv.ReadOptions(column_names=list(spec.columns) or None, block_size=block_bytes)
    names = csv_names(path, read, parse)
    convert = csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        null_values=list(spec.absent),
        strings_can_be_null=True,
        include_columns=[name for name in wanted if name in names],
    )
    return {"read_options": read, "parse_options": parse, "convert_options": convert}


def csv_names(path: Path, read: csv.ReadOptions, parse: csv.ParseOptions) -> list[str]:
    with csv.open_csv(path, read_options=read, parse_options=parse) as opened:
        names: list[str] = opened.schema.names
        return names


def check_table(path: Path, table: pa.Table, wanted: Sequence[str]) -> pa.Table:
    missing = [name for name in wanted if name not in table.column_names]
    if missing:
        raise InvalidJob(f"{path} has no column {', '.join(missing)}; there are: {', '.join(table.column_names)}")
    if not table.num_rows:
        raise InvalidJob(f"{path} has a header and no rows")
    return table


def number_column(table: pa.Table, name: str, path: Path, first_row: int = 0) -> Array:
    """float64 [rows], NaN where absent. `first_row` counts the rows that came before this piece of the file."""
    column = table.column(name)
    try:
        numbers = compute.cast(column, pa.float64())
    except pa.ArrowInvalid:
        row, value = _first_that_is_no_number(column.to_pylist())
        raise InvalidInput(
            f"{path}: row {first_row + row}, column {name}: {value!r} is not a number",
            pointer=f"/{name}/{first_row + row}",
        ) from None
    except pa.ArrowNotImplementedError:
        raise InvalidInput(f"{path}: column {name} holds {column.type}, not numbers", pointer=f"/{name}") from None
    array: Array = numbers.to_numpy().astype(np.float64)  # nulls become NaN
    return array


def text_column(table: pa.Table, name: str) -> Array:
    """Objects [rows]: str, or None where absent."""
    array: Array = np.array(compute.cast(table.column(name), pa.string()).to_pylist(), dtype=object)
    return array


def _first_that_is_no_number(values: Sequence[object]) -> tuple[int, object]:
    for row, value in enumerate(values):
        try:
            float(str(value if value is not None else 0))
        except ValueError:
            return row, value
    return 0, values[0]


def _target(table: pa.Table, name: str, path: Path, *, numeric: bool) -> Array:
    target = number_column(table, name, path) if numeric else text_column(table, name)
    if not (present := given(target)).all():
        row = int(np.argmin(present))
        raise InvalidInput(f"{path}: row {row}: the target {name} has no value", pointer=f"/{name}/{row}")
    return target


def _split_column(table: pa.Table, name: str, path: Path) -> Array:
    try:
        values = number_column(table, name, path)
    except InvalidInput:
        values = text_column(table, name)
    if not (present := given(values)).all():
        row = int(np.argmin(present))
        raise InvalidInput(f"{path}: row {row}: split.column {name} has no value", pointer=f"/{name}/{row}")
    return values if values.dtype.kind == "f" else values.astype(str)
