"""Rows from CSV and Parquet files, and how a wrong file is named."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from serving.errors import InvalidInput, InvalidJob
from training.data.dataset import Dataset
from training.data.spec import TableSpec
from training.data.table import read_table
from training.job import JobSpec

NUMBER_AND_CATEGORY = ({"kind": "number", "name": "power"}, {"kind": "category", "name": "origin"})
TEXT = ({"kind": "text", "name": "text", "encode": "tf_idf", "max_tokens": 9},)


def job(*features: Mapping[str, object], target: str, labels: tuple[str, ...] = (), by: str | None = None) -> JobSpec:
    """A job of a table with these features; a regression where there are no labels."""
    outputs = {"task": "classification", "labels": labels} if labels else {"task": "regression", "target": target}
    time = {"by": "time", "column": by} if by else {}
    return JobSpec.model_validate(
        {
            "model": "table",
            "description": "",
            "data": {"source": "table", "path": "set by the test", "target": target},
            "split": {"validation": 0.2, "test": 0.1, "seed": 1, **time},
            "features": features,
            "outputs": outputs,
            "network": {"family": "mlp", "units": [], "activation": "relu", "dropout": 0},
            "optimisation": {"learning_rate": 0.1},
            "fit": {"epochs": 1, "batch_rows": 1, "patience_epochs": 1, "seed": 1},
        }
    )


def read(path: Path, by: str | None = None) -> Dataset:
    spec = TableSpec(source="table", path=str(path), target="mpg")
    return read_table(path, spec, job(*NUMBER_AND_CATEGORY, target="mpg", by=by))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cars.csv"


def test_csv_and_parquet_give_the_same_rows(file: Path, tmp_path: Path) -> None:
    file.write_text("power,origin,mpg\n130,usa,18\n,,25.5\n")
    table = pa.table({"power": [130.0, None], "origin": ["usa", None], "mpg": [18.0, 25.5]})
    parquet.write_table(table, tmp_path / "cars.parquet")
    for dataset in (read(file), read(tmp_path / "cars.parquet")):
        np.testing.assert_array_equal(dataset.columns["power"], [130.0, np.nan])
        assert dataset.columns["origin"].tolist() == ["usa", None]
        assert dataset.target.tolist() == [18.0, 25.5]


def test_file_without_a_header_or_with_signs_of_its_own_for_what_is_absent(tmp_path: Path) -> None:
    file = tmp_path / "mail.tsv"
    file.write_text('ham\tsay "yes", or "no\nspam\t?\n')
    spec = TableSpec(
        source="table", path=str(file), target="kind", columns=("kind", "text"), absent=("?",), quoted=False
    )
    dataset = read_table(file, spec, job(*TEXT, target="kind", labels=("ham", "spam")))
    assert dataset.columns["text"].tolist() == ['say "yes", or "no', None]
    assert dataset.target.tolist() == ["ham", "spam"]


def test_quoted_field_may_hold_commas_and_line_ends(file: Path) -> None:
    file.write_text('power,origin,mpg\n130,"usa, ""west""\ncoast",18\n')
    assert read(file).columns["origin"].tolist() == ['usa, "west"\ncoast']


@pytest.mark.parametrize(("values", "expected"), [("3,1", [3.0, 1.0]), ("b,a", ["b", "a"])])
def test_split_column_is_read_beside_the_features(file: Path, values: str, expected: list[object]) -> None:
    one, other = values.split(",")
    file.write_text(f"power,origin,mpg,day\n1,a,2,{one}\n2,b,3,{other}\n")
    split_by = read(file, "day").split_by
    assert split_by is not None
    assert split_by.tolist() == expected


@pytest.mark.parametrize(
    ("content", "error", "told"),
    [
        ("", InvalidJob, "cars.csv: Empty CSV file"),
        ("power,origin,mpg\n", InvalidJob, "a header and no rows"),
        ("power,mpg\n1,2\n", InvalidJob, "no column origin; there are: power, mpg"),
        ("power,origin,mpg\n1,a,2\nx,a,2\n", InvalidInput, "row 1, column power: 'x' is not a number"),
        ("power,origin,mpg\n1,a,2\n1,a,\n", InvalidInput, "row 1: the target mpg has no value"),
        ("power,origin,mpg\n1,a,NaN\n", InvalidInput, "row 0: the target mpg has no value"),
    ],
)
def test_wrong_file_is_named_with_the_place(file: Path, content: str, error: type[Exception], told: str) -> None:
    file.write_text(content)
    with pytest.raises(error, match=told):
        read(file)


def test_absent_file_is_named(file: Path) -> None:
    with pytest.raises(InvalidJob, match=r"cars\.csv: "):
        read(file)
