"""Logged predictions as Parquet, read back by pyarrow."""

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from serving.observability.prediction_log_files import Limits, PredictionFiles
from serving.observability.prediction_parquet import GROUP_ROWS, SUFFIX, ParquetRows, column_of
from tests.unit.serving.observability.logged import prediction


def test_a_row_of_the_table_for_each_row_predicted() -> None:
    file = BytesIO()
    rows = ParquetRows(file)
    inputs = {"image": np.arange(8, dtype=np.uint8).reshape(2, 2, 2), "word": np.array([b"a", b"\xff"], object)}
    rows.write(prediction(rows=2, inputs=inputs), 1_800_000_000.25)
    rows.write(prediction("other", rows=2, inputs=inputs), 1_800_000_001.0)
    rows.end()
    table = pq.read_table(BytesIO(file.getvalue()))
    assert table.num_rows == 4
    assert table.slice(1, 1).to_pylist() == [
        {
            "time": datetime(2027, 1, 15, 8, 0, 0, 250_000, tzinfo=UTC),
            "request_id": "mine-7",
            "model": "digits",
            "version": 3,
            "signature": "serving_default",
            "row": 1,
            "input.image": [[4, 5], [6, 7]],
            "input.word": b"\xff",
            "output.probabilities": [1.0, 1.5],
        }
    ]
    assert table.schema.field("output.probabilities").type.value_type == "float"


def test_rows_are_written_in_groups_and_the_size_counts_those_that_wait() -> None:
    file = BytesIO()
    rows = ParquetRows(file)
    rows.write(prediction(rows=GROUP_ROWS - 1), 0.0)
    waiting = rows.nbytes()
    assert waiting > 4 * GROUP_ROWS > file.tell()
    rows.write(prediction(rows=1), 0.0)
    assert file.tell() > 0
    rows.end()
    assert pq.ParquetFile(BytesIO(file.getvalue())).num_row_groups == 1


@pytest.mark.parametrize("rows", [0, 3])
def test_its_files_are_whole(tmp_path: Path, rows: int) -> None:
    log = PredictionFiles(tmp_path, Limits(10**6, 60.0, 10**9), ParquetRows, SUFFIX)
    if rows:
        log.write([prediction(rows=rows)], 0.0)
    log.close()
    assert [pq.read_table(path).num_rows for path in tmp_path.iterdir()] == ([rows] if rows else [])


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16", "float32", "object"])
@pytest.mark.parametrize("shape", [(2,), (2, 3), (2, 3, 1, 2), (2, 0)])
def test_a_column_has_the_arrays_values_in_its_shape(dtype: str, shape: tuple[int, ...]) -> None:
    array = (np.arange(np.prod(shape)) % 2).reshape(shape).astype(dtype)
    if dtype == "object":
        array = array.astype(str).astype("S").astype(object)
    assert column_of(array).to_pylist() == array.tolist()
