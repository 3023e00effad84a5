"""A streamed table: each row in one part, each part whole in every epoch, wrong values named as ever."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from serving.errors import InvalidInput, InvalidJob
from training.data.dataset import Rows
from training.data.rebatch import batches_in_order, shuffled_batches
from training.data.spec import TableSpec
from training.data.survey import StreamedRows, Survey, survey
from training.job import parse_job

ROWS = 60_000
Content = dict[str, Any]


def table() -> pa.Table:
    random = np.random.default_rng(1)
    number = np.arange(ROWS)
    colour = np.array(["red", "green", "blue", None], dtype=object)[random.integers(0, 4, ROWS)]
    power = [f"{value:.60f}" for value in random.normal(size=ROWS)]  # long fields: several blocks
    label = np.where(number % 3 == 0, "yes", "no")
    return pa.table({"number": number, "power": power, "colour": colour, "label": label})


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("streamed") / "rows.csv"
    csv.write_csv(table(), path)
    return path


@pytest.fixture
def streamed(content: Content) -> Content:
    return content | {
        "data": {"source": "table", "path": "rows.csv", "target": "label", "streamed": True, "sample_rows": 500},
        "features": [
            {"name": "number", "kind": "number"},
            {"name": "power", "kind": "number", "missing": "mean"},
            {"name": "colour", "kind": "category", "default": "none"},
        ],
        "outputs": {"task": "classification", "labels": ["no", "yes"]},
    }


def surveyed(path: Path, content: Content, **changes: Mapping[str, object]) -> Survey:
    job = parse_job(content | {table: content[table] | dict(change) for table, change in changes.items()}, "j.toml")
    assert isinstance(job.data, TableSpec)
    return survey(path, job.data, job)


def numbers(batches: list[Rows]) -> list[int]:
    return [int(value) for batch in batches for value in batch.inputs["number"]]


def parts(found: Survey) -> tuple[StreamedRows, ...]:
    return found.train, found.validation, found.test


def test_every_row_of_the_file_is_in_exactly_one_part(file: Path, streamed: Content) -> None:
    found = surveyed(file, streamed)
    seen = Counter(number for part in parts(found) for number in numbers(list(batches_in_order(part, 1000))))
    assert seen == Counter(range(ROWS))


def test_each_epoch_has_each_row_of_its_part_once_in_another_order(file: Path, streamed: Content) -> None:
    train = surveyed(file, streamed).train
    orders = [numbers(list(shuffled_batches(train, 999, (1, epoch)))) for epoch in (0, 1, 0)]
    assert orders[0] == orders[2] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1]) == numbers(list(batches_in_order(train, 999)))
    assert len(orders[0]) == train.total


def test_batches_have_one_size_but_the_last(file: Path, streamed: Content) -> None:
    train = surveyed(file, streamed).train
    sizes = [len(batch) for batch in shuffled_batches(train, 999, (1, 0))]
    assert sizes == [999] * (train.total // 999) + [train.total % 999]


def test_a_row_keeps_its_values_and_its_target(file: Path, streamed: Content) -> None:
    truth = table()
    power = np.array([float(value) for value in truth["power"].to_pylist()], dtype=np.float32)
    colour = np.array([(value or "none").encode() for value in truth["colour"].to_pylist()], dtype=object)
    for batch in shuffled_batches(surveyed(file, streamed).train, 7000, (3, 0)):
        rows = batch.inputs["number"].astype(np.int64)
        assert (batch.inputs["power"] == power[rows]).all()
        assert (batch.inputs["colour"] == colour[rows]).all()
        assert (batch.target == (rows % 3 == 0)).all()


def test_fractions_hold_and_samples_are_bounded_and_of_their_part(file: Path, streamed: Content) -> None:
    found = surveyed(file, streamed)
    counts = found.split.counts()
    assert sum(counts.values()) == ROWS
    assert counts == pytest.approx({"train": 0.7 * ROWS, "validation": 0.2 * ROWS, "test": 0.1 * ROWS}, rel=0.03)
    assert (len(found.train), len(found.test), len(found.split.test)) == (500, 500, 500)
    for part in (found.train, found.test):
        assert set(part.inputs["number"]) <= set(numbers(list(batches_in_order(part, 5000))))
    assert found.dataset.columns["number"].tolist() == found.test.inputs["number"].tolist()
    assert float(found.train.inputs["number"].mean()) == pytest.approx(ROWS / 2, rel=0.1)


def test_parquet_is_split_as_the_csv_is(file: Path, streamed: Content, tmp_path: Path) -> None:
    parquet.write_table(table(), tmp_path / "rows.parquet", row_group_size=7001)
    by_csv, by_parquet = surveyed(file, streamed), surveyed(tmp_path / "rows.parquet", streamed)
    assert by_csv.split.counts() == by_parquet.split.counts()
    assert (by_csv.test.inputs["number"] == by_parquet.test.inputs["number"]).all()


@pytest.mark.parametrize(
    ("row", "error", "told"),
    [
        ("59999,red,blue,yes", InvalidInput, "row 60000, column power: 'red' is not a number"),
        ("59999,1,blue,", InvalidInput, "row 60000: the target label has no value"),
        ("59999,1,blue,maybe", InvalidJob, "outputs.labels: the data also has maybe"),
        (",1,blue,yes", InvalidInput, "/number/60000: no value"),
        ("59999,1,blue", InvalidJob, "Expected 4 columns, got 3"),
    ],
)
def test_wrong_row_far_down_is_named(  # noqa: PLR0917 - three fixtures and three parameters
    file: Path, streamed: Content, tmp_path: Path, row: str, error: type[Exception], told: str
) -> None:
    spoiled = tmp_path / "rows.csv"
    spoiled.write_text(file.read_text() + row + "\n")
    with pytest.raises(error, match=told):
        surveyed(spoiled, streamed)


def test_what_a_stream_cannot_do_is_refused(file: Path, streamed: Content) -> None:
    with pytest.raises(InvalidJob, match="split: a streamed table is split by a hash"):
        surveyed(file, streamed, split={"by": "group", "column": "colour"})
    with pytest.raises(InvalidJob, match="a streamed table is read as it is"):
        surveyed(file, streamed, data={"only_listed_labels": True})
    with pytest.raises(InvalidJob, match="no training row of the data is never"):
        surveyed(file, streamed, outputs={"labels": ["no", "yes", "never"]})
    with pytest.raises(InvalidJob, match="has no column gone; there are: number, power, colour, label"):
        surveyed(file, streamed, data={"target": "gone"})
