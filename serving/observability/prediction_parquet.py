"""Logged predictions as Parquet. The one file of serving that imports pyarrow.

A row of the table for each row predicted: `time`, `request_id`, `model`, `version`, `signature`, `row`, and a column
for each input and output, `input.<name>` and `output.<name>`, nested lists where a row of it is a tensor.
"""

import math
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from serving.backend_protocol import Arrays
from serving.contract.tensors import Array
from serving.observability.prediction_records import LoggedPrediction

GROUP_ROWS = 1_000
"""Held in memory until they are written together: Parquet packs columns, and columns of few rows do not pack."""
SUFFIX = ".parquet"


class ParquetRows:
    """A Format. Its file is whole only when it has ended: Parquet's table of contents is its last part."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._writer: Any = None
        self._schema: Any = None
        self._held: list[Any] = []
        self._held_rows = self._held_bytes = 0

    def write(self, prediction: LoggedPrediction, time_seconds: float) -> None:
        if self._schema is None:
            self._schema = schema_of(prediction)
            self._writer = pq.ParquetWriter(self._file, self._schema, compression="zstd")
        batch = _batch(prediction, time_seconds, self._schema)
        self._held.append(batch)
        self._held_rows += batch.num_rows
        self._held_bytes += batch.nbytes
        if self._held_rows >= GROUP_ROWS:
            self._write_group()

    def nbytes(self) -> int:
        return self._file.tell() + self._held_bytes

    def end(self) -> None:
        if self._writer is not None:
            self._write_group()
            self._writer.close()

    def _write_group(self) -> None:
        if self._held:
            self._writer.write_table(pa.Table.from_batches(self._held, self._schema))
        self._held, self._held_rows, self._held_bytes = [], 0, 0


def schema_of(prediction: LoggedPrediction) -> Any:
    """Of all predictions by the same version and signature."""
    facts = [
        ("time", pa.timestamp("ms", "UTC")),
        ("request_id", pa.string()),
        ("model", pa.string()),
        ("version", pa.int64()),
        ("signature", pa.string()),
        ("row", pa.int32()),
    ]
    return pa.schema([*facts, *_fields("input", prediction.inputs), *_fields("output", prediction.outputs)])


def _fields(side: str, arrays: Arrays) -> list[tuple[str, Any]]:
    return [(f"{side}.{name}", _type(array)) for name, array in sorted(arrays.items())]


def _type(array: Array) -> Any:
    """Bytes for strings: a feature's texts need not be any."""
    found = pa.binary() if array.dtype == object else pa.from_numpy_dtype(array.dtype)
    for _ in array.shape[1:]:
        found = pa.list_(found)
    return found


def _batch(prediction: LoggedPrediction, time_seconds: float, schema: Any) -> Any:
    rows, source = prediction.rows, prediction.source
    facts = (round(time_seconds * 1000), prediction.request_id, source.model, source.version, source.signature)
    columns: list[Any] = [[fact] * rows for fact in facts]
    columns.append(list(range(rows)))
    made = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=False)]
    for arrays in (prediction.inputs, prediction.outputs):
        made += [column_of(array) for _, array in sorted(arrays.items())]
    return pa.RecordBatch.from_arrays(made, schema=schema)


def column_of(array: Array) -> Any:
    """An array with rows first as a column, without a Python number for each of its values."""
    flat = array.reshape(-1)
    found = pa.array(flat.tolist(), pa.binary()) if array.dtype == object else pa.array(flat)
    for depth in range(array.ndim - 1, 0, -1):
        lists = math.prod(array.shape[:depth])
        offsets = np.arange(lists + 1, dtype=np.int32) * np.int32(array.shape[depth])
        found = pa.ListArray.from_arrays(pa.array(offsets), found)
    return found
