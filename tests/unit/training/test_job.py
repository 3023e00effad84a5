"""What a job file may say, and how it is told where it is wrong."""

from collections.abc import Callable
from typing import Any

import pytest

from serving.errors import InvalidJob
from training.job import parse_job

Content = dict[str, Any]
Spoil = Callable[[Content], object]


def spoilt(content: Content, spoil: Spoil) -> str:
    spoil(content)
    with pytest.raises(InvalidJob) as refused:
        parse_job(content, "mine.toml")
    return str(refused.value)


@pytest.mark.parametrize(
    ("table", "key", "neighbour"),
    [
        (lambda job: job, "modle", "model"),
        (lambda job: job["data"], "nmae", "source"),
        (lambda job: job["split"], "tset", "validation"),
        (lambda job: job["features"][0], "rnage", "range"),
        (lambda job: job["features"][0]["decoding"], "sacle", "resample"),
        (lambda job: job["outputs"], "lables", "labels"),
        (lambda job: job["network"], "unit", "units"),
        (lambda job: job["optimisation"], "learning", "learning_rate"),
        (lambda job: job["fit"], "epoch", "patience_epochs"),
    ],
)
def test_unknown_key_is_refused_with_the_keys_of_its_own_table(
    content: Content, table: Callable[[Content], Content], key: str, neighbour: str
) -> None:
    message = spoilt(content, lambda job: table(job).update({key: 1}))
    assert message.startswith("mine.toml: ")
    assert f"{key}: unknown key" in message
    assert neighbour in message.split("there are: ")[1].split(", ")


@pytest.mark.parametrize("key", ["rnage", "fefault"])
def test_unknown_key_of_a_number_names_the_keys_of_a_number(regression_content: Content, key: str) -> None:
    message = spoilt(regression_content, lambda job: job["features"][1].update({key: 1}))
    assert message.startswith(f"mine.toml: features.1.{key}: unknown key")
    assert "unit" in message


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda job: job.pop("fit"), "fit: missing"),
        (lambda job: job["fit"].update(epochs="many"), "fit.epochs: Input should be a valid integer"),
        (lambda job: job["fit"].update(epochs=0), "fit.epochs: Input should be greater than 0, got 0"),
        (lambda job: job["split"].update(test=0.9), "split: validation and test together leave no rows"),
        (
            lambda job: job["data"].update(name="mnist"),
            "data.name: Input should be 'digits', 'diabetes', 'iris', 'wine' or 'breast_cancer', got 'mnist'",
        ),
        (lambda job: job.update(model="../up"), "model: letters, digits"),
        (lambda job: job.update(features=[]), "features: "),
        (lambda job: job["features"].append(job["features"][0]), "features: two features share a name"),
        (lambda job: job["features"][0].update(dtype="float64"), "features: image is float64"),
        (lambda job: job["features"][0].update(kind="sound"), "features.0: "),
        (lambda job: job["outputs"].update(labels=["a", "a"]), "outputs: two labels are the same"),
        (lambda job: job["network"].update(dropout=1), "network.dropout: Input should be less than 1, got 1"),
    ],
)
def test_wrong_value_is_named_with_what_was_expected(content: Content, spoil: Spoil, told: str) -> None:
    assert f"mine.toml: {told}" in spoilt(content, spoil)


def test_all_faults_are_told_together(content: Content) -> None:
    message = spoilt(content, lambda job: (job["fit"].update(epochs=0), job["network"].update(dropout=2)))
    assert "fit.epochs" in message
    assert "network.dropout" in message


def test_folds_are_not_distributed(content: Content) -> None:
    spoiled = content | {"split": content["split"] | {"folds": 3}, "distribution": {"strategy": "mirrored"}}
    with pytest.raises(InvalidJob, match="folds are fitted by one device"):
        parse_job(spoiled, "j.toml")
