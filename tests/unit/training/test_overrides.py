"""`--set key=value`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.errors import InvalidJob
from training.job import JobSpec
from training.overrides import override, toml_value


def test_value_replaces_the_files(classification_job: JobSpec) -> None:
    changed = override(classification_job, ["fit.epochs=3", "network.units=[4, 2]", "model=other"], "f")
    assert (changed.fit.epochs, changed.model) == (3, "other")
    assert changed.network.model_dump()["units"] == (4, 2)
    assert changed.split == classification_job.split


def test_later_assignment_wins(classification_job: JobSpec) -> None:
    assert override(classification_job, ["fit.epochs=3", "fit.epochs=4"], "f").fit.epochs == 4


def test_nothing_set_leaves_the_job_as_it_is(classification_job: JobSpec) -> None:
    assert override(classification_job, [], "f") is classification_job


def test_key_with_a_default_can_be_set_though_the_file_leaves_it_out(regression_job: JobSpec) -> None:
    assert override(regression_job, ["outputs.unit=points"], "f").outputs.model_dump()["unit"] == "points"


@pytest.mark.parametrize(
    ("assignment", "told"),
    [
        ("fit.epoch=3", "--set fit.epoch: fit has no 'epoch'; there are: epochs, batch_rows"),
        ("fitt.epochs=3", "--set fitt.epochs: a job has no 'fitt'; there are: model, description"),
        ("fit.epochs.most=3", "--set fit.epochs.most: fit.epochs is one value"),
        ("features.0.name=x", "--set features.0.name: features is one value"),
        ("fit.epochs", "--set fit.epochs: write it as key=value"),
        ("=3", "--set : a job has no ''"),
        ("fit.epochs=soon", "digits.toml with --set fit.epochs=soon: fit.epochs: Input should be a valid integer"),
    ],
)
def test_wrong_assignment_is_refused_by_name(classification_job: JobSpec, assignment: str, told: str) -> None:
    with pytest.raises(InvalidJob) as refused:
        override(classification_job, [assignment], "digits.toml")
    assert str(refused.value).startswith(told)


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("0.5", 0.5), ("true", True), ("[1, 2]", [1, 2]), ('"3"', "3"), ("relu", "relu"), ("", "")],
)
def test_value_is_typed_as_toml_types_it(text: str, value: object) -> None:
    assert toml_value(text) == value


@given(st.text())
def test_any_text_is_one_value(text: str) -> None:
    toml_value(text)


def test_a_second_line_is_part_of_the_value() -> None:
    assert toml_value("1\nother = 2") == "1\nother = 2"
