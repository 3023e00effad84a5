"""What a job file may say about optimisers, rates and losses, and how it is told where it is wrong."""

from typing import Any

import pytest

from serving.errors import InvalidJob
from training.job import parse_job
from training.optimisation_spec import OPTIMISER_TABLES, AdamSpec, SgdSpec, loss_of
from training.overrides import override
from training.schedule_spec import SCHEDULE_TABLES, StepSpec

Content = dict[str, Any]


def told(content: Content, **optimisation: Any) -> str:
    content["optimisation"].update(optimisation)
    with pytest.raises(InvalidJob) as refused:
        parse_job(content, "mine.toml")
    return str(refused.value)


def test_adam_and_the_tasks_own_loss_are_what_a_rate_alone_means(content: Content) -> None:
    optimisation = parse_job(content, "mine.toml").optimisation
    assert isinstance(optimisation, AdamSpec)
    assert loss_of(optimisation, "classification") == "sparse_categorical_crossentropy"
    assert loss_of(optimisation, "regression") == "mean_squared_error"


@pytest.mark.parametrize("name", OPTIMISER_TABLES)
def test_each_optimiser_is_chosen_by_name(content: Content, name: str) -> None:
    content["optimisation"]["optimiser"] = name
    assert type(parse_job(content, "mine.toml").optimisation) is OPTIMISER_TABLES[name]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"optimiser": "sdg"}, "optimisation: optimiser: there are sgd, rmsprop, adam, adamw, adadelta"),
        ({"momentum": 0.9}, "optimisation.momentum: unknown key; there are: "),
        ({"optimiser": "sgd", "beta_1": 0.9}, "optimisation.beta_1: unknown key; there are: "),
        ({"clipnorm": 0}, "optimisation.clipnorm: Input should be greater than 0, got 0"),
        ({"schedule": {"kind": "stpe"}}, "optimisation.schedule: Input tag 'stpe' found using 'kind'"),
        (
            {"schedule": {"kind": "step", "facotr": 1}},
            "optimisation.schedule.facotr: unknown key; there are: kind, fac",
        ),
        ({"schedule": {"kind": "step", "factor": 3}}, "optimisation.schedule.factor: Input should be less than 1, got"),
        ({"schedule": {"kind": "cyclical", "highest": 0.001}}, "optimisation: schedule.highest must be above learning"),
        ({"loss": "mse"}, "optimisation.loss: Input should be 'sparse_categorical_crossentropy'"),
        ({"loss": "huber"}, "optimisation.loss: no 'huber' in classification; there are sparse_categorical"),
        ({"loss": "binary_crossentropy"}, "optimisation.loss: binary_crossentropy is for two labels, the job has 3"),
        ({"label_smoothing": 0.1}, "optimisation: label_smoothing needs a loss of categorical_crossentropy or binary"),
        ({"huber_delta": 2}, "optimisation: huber_delta needs the loss huber"),
    ],
)
def test_wrong_key_or_value_is_named_with_what_was_expected(
    content: Content, keys: dict[str, Any], message: str
) -> None:
    assert told(content, **keys).startswith(f"mine.toml: {message}")


def test_unknown_key_is_answered_with_the_keys_of_the_optimiser_chosen(content: Content) -> None:
    keys = told(content, optimiser="sgd", beta_1=0.9).split("there are: ")[1].split(", ")
    assert {"momentum", "learning_rate", "schedule"} <= set(keys)
    assert "beta_1" not in keys


def test_regression_has_no_logits(regression_content: Content) -> None:
    assert (
        told(regression_content, from_logits=True) == "mine.toml: optimisation.from_logits: a regression has no logits"
    )


def test_rate_on_a_plateau_that_early_stopping_would_never_let_fall_is_refused(content: Content) -> None:
    message = told(content, schedule={"kind": "plateau", "patience_epochs": 2})
    assert message.startswith("mine.toml: optimisation.schedule.patience_epochs: 2 is never reached")
    content["fit"]["patience_epochs"] = 3
    assert parse_job(content, "mine.toml").optimisation.schedule is not None


def test_another_optimiser_is_set_as_a_whole_table(content: Content) -> None:
    job = parse_job(content, "mine.toml")
    table = '{optimiser="sgd", learning_rate=0.1, schedule={kind="step"}}'
    changed = override(job, [f"optimisation={table}"], "mine.toml").optimisation
    assert isinstance(changed, SgdSpec)
    assert changed.schedule == StepSpec(kind="step", factor=0.1, every_epochs=10)


def test_every_table_is_found_by_its_own_name() -> None:
    for name, table in OPTIMISER_TABLES.items():
        assert table.model_validate({"learning_rate": 1, "optimiser": name}).optimiser == name  # type: ignore[attr-defined]  # every member of the union has it
    for name, schedule in SCHEDULE_TABLES.items():
        assert name in str(schedule.model_fields["kind"].annotation)
