"""Every optimiser, schedule, loss and way of fitting that a job file may ask for, on tiny data."""

from math import cos, pi
from pathlib import Path
from typing import Any

import pytest

from tests.processes import probe

PROBE = Path(__file__).parent / "fitting_probe.py"
CLASSES = {
    "sgd": "SGD", "rmsprop": "RMSprop", "adam": "Adam", "adamw": "AdamW", "adadelta": "Adadelta",
    "adagrad": "Adagrad", "adamax": "Adamax", "nadam": "Nadam", "ftrl": "Ftrl",
}  # fmt: skip
EPOCHS_BEFORE = range(8)


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    told: dict[str, Any] = probe(PROBE)
    return told


@pytest.mark.parametrize("name", CLASSES)
def test_optimiser_is_keras_own_with_its_defaults_and_learns(found: dict[str, Any], name: str) -> None:
    assert found["optimisers"][name] == {"class": CLASSES[name], "falls": True, "unlike": [], "clipnorm": 1.0}


def test_keys_of_an_optimiser_reach_it(found: dict[str, Any]) -> None:
    assert found["own_keys"] == {"momentum": 0.9, "nesterov": True}


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("constant", [0.01 for _ in EPOCHS_BEFORE]),
        ("inverse_time", [0.01 / (1 + 0.5 * t / 2) for t in EPOCHS_BEFORE]),
        ("inverse_time in jumps", [0.01 / (1 + 0.5 * (t // 2)) for t in EPOCHS_BEFORE]),
        ("exponential", [0.01 * 0.5 ** (t / 3) for t in EPOCHS_BEFORE]),
        ("step", [0.01 * 0.1 ** (t // 3) for t in EPOCHS_BEFORE]),
        ("cosine", [0.01 * (0.1 + 0.9 * (1 + cos(pi * t / 8)) / 2) for t in EPOCHS_BEFORE]),
        ("cosine after a warm-up", [0, 0.005, *(0.01 * (1 + cos(pi * t / 5)) / 2 for t in range(6))]),
        ("cyclical", [0.01, 0.025, 0.04, 0.025, 0.01, 0.025, 0.04, 0.025]),
    ],
)
def test_rate_of_each_epoch_is_its_formula(found: dict[str, Any], schedule: str, rates: list[float]) -> None:
    assert found["rates"][schedule] == pytest.approx(rates, rel=1e-4, abs=1e-8)


def test_plateau_lowers_the_rate_after_epochs_without_a_better_loss_and_not_below_its_floor(
    found: dict[str, Any],
) -> None:
    in_picorates = [rate / 1e-12 for rate in found["plateau"]["rates"]]
    assert in_picorates == pytest.approx([1, 1, 1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.01], rel=1e-4)


@pytest.mark.parametrize(
    "loss", ["default", "sparse of logits", "one-hot", "one-hot of logits", "sigmoid", "sigmoid of a logit"]
)
def test_classifier_learns_and_serves_probabilities_whatever_it_learned_by(found: dict[str, Any], loss: str) -> None:
    served = found["classification"][loss]
    assert served["shape"] == [256, 2]
    assert served["sums"] < 1e-6
    assert served["right"] > 0.97
    assert served["served_as_keras"] < 1e-6


def test_smoothed_labels_cost_more_than_plain_ones(found: dict[str, Any]) -> None:
    losses = found["classification"]
    assert losses["one-hot"]["loss"] > losses["one-hot of logits"]["loss"]
    assert losses["sigmoid"]["loss"] > losses["sigmoid of a logit"]["loss"]


@pytest.mark.parametrize("loss", ["default", "absolute", "huber"])
def test_regressor_learns_in_deviations_and_serves_the_targets_unit(found: dict[str, Any], loss: str) -> None:
    served = found["regression"][loss]
    assert served["shape"] == [256, 1]
    assert served["off"] < 7_000  # the target's deviation is near 70,000
    assert 0.05 < served["loss"] < 2  # in deviations: in the unit it would be in the thousands
    assert served["served_as_keras"] < 1e-6


@pytest.mark.parametrize("loss", ["default", "one-hot", "sigmoid"])
def test_class_weights_raise_the_recall_of_the_rare_class(found: dict[str, Any], loss: str) -> None:
    plain, *weighted = found["rare_class"]["recall"][loss]
    assert all(recall > plain + 0.2 for recall in weighted)


def test_steps_that_run_at_once_are_told_together_and_never_more_than_there_are(found: dict[str, Any]) -> None:
    assert found["steps_told"] == [[12, 16], [16, 16]]


def test_first_interrupt_ends_the_fit_after_a_step_and_keeps_the_best_weights(found: dict[str, Any]) -> None:
    third = found["interrupted"]["third"]
    assert third["interrupted"]
    assert (third["epochs"], third["steps"]) == (3, 16 + 16 + 1)
    assert [line.split(":")[0] for line in third["told"]] == ["interrupted in epoch 3"]
    assert third["accuracy_is_the_best_epochs"]
    assert third["default_again"]


def test_interrupt_in_the_first_epoch_ends_the_process(found: dict[str, Any]) -> None:
    assert found["interrupted"]["first"] == {"ended": True, "default_again": True}


def test_event_files_hold_each_epochs_figures_as_tensorboard_reads_them(found: dict[str, Any]) -> None:
    history = found["events"]["history"]
    assert found["events"]["train"] == [
        [epoch + 1, f"epoch_{name}", pytest.approx(history[name][epoch]), "scalars"]
        for epoch in range(2)
        for name in ("accuracy", "loss", "learning_rate")
    ]
    assert found["events"]["validation"] == [
        [epoch + 1, f"epoch_{name}", pytest.approx(history[f"val_{name}"][epoch]), "scalars"]
        for epoch in range(2)
        for name in ("accuracy", "loss")
    ]


def test_two_fits_compiled_by_xla_give_the_same_weights(found: dict[str, Any]) -> None:
    assert found["compiled"]["same_weights"]
    assert found["compiled"]["accuracy"] > 0.95


def test_mixed_precision_fits_in_sixteen_bits_and_leaves_a_float32_model(found: dict[str, Any]) -> None:
    halved = found["halved"]
    assert halved["twin"] == {"normalise": "float32", "dense": "bfloat16", "logit": "float32"}
    assert halved["model"] == ["float32"]
    assert halved["answer"] == "float32"
    assert 0 < halved["apart"] < 0.05
    assert halved["accuracy"] > 0.95


def test_float16_scales_the_loss_and_learns(found: dict[str, Any]) -> None:
    assert found["float16"]["optimiser"] == "LossScaleOptimizer"
    assert found["float16"]["losses"][-1] < found["float16"]["losses"][0] / 2


def test_second_fit_goes_on_from_the_first(found: dict[str, Any]) -> None:
    first, second = found["second_fit"]
    assert second < first / 2


def test_xla_is_refused_where_a_layer_reads_text(found: dict[str, Any]) -> None:
    assert found["compiled_text"] == "fit.xla: XLA cannot compile the layers lookup; leave it false"
