"""A job read back from the report is the job that ran."""

import tomllib

import pytest

from training.job import JobSpec, parse_job
from training.job_files import load_job, shipped_jobs
from training.report.toml_text import as_toml


@pytest.mark.parametrize("name", shipped_jobs())
def test_shipped_job_reads_back_the_same(name: str) -> None:
    job = load_job(name)
    assert parse_job(tomllib.loads(as_toml(job.model_dump(mode="json"))), "report") == job


def test_tables_of_a_job_stand_under_their_names(classification_job: JobSpec) -> None:
    lines = as_toml(classification_job.model_dump(mode="json")).splitlines()
    assert lines[0] == 'model = "digits"'
    assert {"[data]", "[[features]]", "range = [0.0, 16.0]"} <= set(lines)


def test_odd_text_and_keys_survive() -> None:
    content = {
        "a": 'quote " back \\ line \n end \x7f ü',
        "b": {"odd key": [1.5, True], "deep": {"x": {"y": 1e-5}}},
        "c": [],
    }
    assert tomllib.loads(as_toml(content)) == content


def test_nothing_stands_for_none() -> None:
    assert tomllib.loads(as_toml({"a": None, "b": {"c": None, "d": {"e": None}}})) == {"b": {"d": {}}}
