"""From what KerasTuner draws to jobs."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from serving.errors import InvalidJob
from training.job import JobSpec, parse_job
from training.job_files import load_job, shipped_jobs
from training.search_space import check_space, sampled_values, search_of, value_text, with_values
from training.search_spec import RandomSearch

Content = dict[str, Any]


def searching(content: Content, *space: Content) -> JobSpec:
    search = {"method": "random", "trials": 3, "seed": 1, "space": list(space)}
    return parse_job(content | {"search": search}, "mine.toml")


def drawn(entry: Content, number: float) -> JsonValue:
    search = RandomSearch.model_validate({"method": "random", "trials": 1, "seed": 1, "space": [entry]})
    return sampled_values(search, {entry["key"]: number})[entry["key"]]


def test_values_stand_in_the_job_and_nothing_else_changes(classification_job: JobSpec) -> None:
    job = with_values(classification_job, {"network.units": [4, 2], "fit.epochs": 9})
    assert (job.network.model_dump()["units"], job.fit.epochs) == ((4, 2), 9)
    assert job.model_copy(update={"network": None, "fit": None}) == classification_job.model_copy(
        update={"network": None, "fit": None}
    )


def test_a_whole_table_may_be_a_choice(classification_job: JobSpec) -> None:
    network: JsonValue = {"family": "cnn", "filters": [4], "units": [8], "activation": "relu", "dropout": 0.0}
    assert with_values(classification_job, {"network": network}).network.family == "cnn"


def test_choice_is_drawn_by_its_place() -> None:
    assert drawn({"key": "network.units", "choices": [[8], [16, 8]]}, 1) == [16, 8]


@given(st.floats(min_value=0.001, max_value=0.1))
def test_fractions_read_as_a_person_writes_them_and_stay_within(number: float) -> None:
    value = drawn({"key": "optimisation.learning_rate", "low": 0.001, "high": 0.1, "log": True}, number)
    assert isinstance(value, float)
    assert len(repr(float(f"{value:.5e}"))) <= len("0.0012345678")
    assert 0.001 <= value <= 0.1
    assert value == pytest.approx(number, rel=1e-5)


def test_what_a_worker_is_sent_as_float32_is_the_value_again() -> None:
    assert drawn({"key": "optimisation.learning_rate", "low": 0.001, "high": 0.1}, 0.003000000026077032) == 0.003


def test_whole_number_above_the_range_is_its_end() -> None:
    value = drawn({"key": "fit.epochs", "low": 2, "high": 64, "log": True}, 65)
    assert (value, type(value)) == (64, int)


def test_key_that_no_job_has_is_refused_with_those_there_are(content: Content) -> None:
    job = searching(content, {"key": "network.unit", "choices": [[8], [16]]})
    with pytest.raises(
        InvalidJob, match=r"^mine\.toml: search\.space: network\.unit: network has no 'unit'; there are"
    ):
        check_space(job, "mine.toml")


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (
            {"key": "network.dropout", "low": 0.0, "high": 1.5},
            "network.dropout = 1.5: network.dropout: Input should be",
        ),
        ({"key": "fit.epochs", "low": 0, "high": 5}, "fit.epochs = 0: fit.epochs: Input should be greater than 0"),
        ({"key": "fit.epochs", "low": 0.5, "high": 5}, "fit.epochs = 0.5: fit.epochs: Input should be a valid integer"),
        ({"key": "network.units", "choices": [[8], [8, 0]]}, "network.units = [8, 0]: network.units.1: "),
    ],
)
def test_either_end_and_each_choice_must_give_a_job(content: Content, entry: Content, told: str) -> None:
    with pytest.raises(InvalidJob) as refused:
        check_space(searching(content, entry), "mine.toml")
    assert str(refused.value).startswith(f"mine.toml: search.space with {told}")


@pytest.mark.parametrize(
    ("assignment", "told"),
    [
        ("split.validation=0", "a search judges by the validation split"),
        ('distribution.strategy="multi_worker"', "each process of a search fits alone"),
    ],
)
def test_search_that_could_not_be_run_is_refused_only_when_it_is_asked_for(assignment: str, told: str) -> None:
    job = load_job("diabetes", [assignment])
    with pytest.raises(InvalidJob, match=told):
        search_of(job)


def test_job_without_a_search_says_what_to_write() -> None:
    with pytest.raises(InvalidJob, match=r"digits has no \[search\] table"):
        search_of(load_job("digits"))


def test_shipped_job_with_a_search_refuses_a_space_that_gives_no_job() -> None:
    assert load_job("diabetes").search is not None
    with pytest.raises(InvalidJob, match=r"search\.space: fit\.epoch: fit has no 'epoch'"):
        load_job(str(shipped_jobs()["diabetes"]), ['search.space=[{key="fit.epoch", low=1, high=2}]'])


@pytest.mark.parametrize(
    ("value", "text"),
    [(3, "3"), (0.1 + 0.2, "0.3"), ([64, 32], "[64, 32]"), ("relu", "relu"), (True, "true"), ({"a": [1]}, "{a = [1]}")],
)
def test_value_is_told_as_toml_writes_it(value: JsonValue, text: str) -> None:
    assert value_text(value) == text
