"""What `[search]` may say."""

from typing import Any

import pytest

from serving.errors import InvalidJob
from training.job import parse_job
from training.search_spec import RangeSpace

Content = dict[str, Any]
RATE: Content = {"key": "optimisation.learning_rate", "low": 0.0001, "high": 0.1, "log": True}
UNITS: Content = {"key": "network.units", "choices": [[8], [16, 8]]}


def searching(content: Content, *space: Content, **changes: object) -> Content:
    search: Content = {"method": "random", "trials": 3, "seed": 1, "space": list(space or (RATE, UNITS))}
    return content | {"search": {key: value for key, value in (search | changes).items() if value is not None}}


def refusal(content: Content) -> str:
    with pytest.raises(InvalidJob) as refused:
        parse_job(content, "mine.toml")
    return str(refused.value)


def test_each_method_has_keys_of_its_own(content: Content) -> None:
    for method, own in (("random", {}), ("bayesian", {}), ("hyperband", {"trials": None, "factor": 2, "sweeps": 2})):
        search = parse_job(searching(content, method=method, **own), "mine.toml").search
        assert search is not None
        assert (search.method, search.objective, search.direction) == (method, "val_loss", None)


@pytest.mark.parametrize(
    ("low", "high", "step", "whole"),
    [(1, 8, None, True), (1, 8, 2, True), (1, 8.0, None, False), (0, 1, 0.5, False), (0.0, 1.0, None, False)],
)
def test_range_is_of_whole_numbers_when_the_file_writes_them_so(
    low: float, high: float, step: float | None, *, whole: bool
) -> None:
    assert RangeSpace(key="fit.epochs", low=low, high=high, step=step).whole is whole


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"method": "grid"}, "search: Input tag 'grid'"),
        ({"trials": None}, "search.trials: missing"),
        ({"trials": 0}, "search.trials: Input should be greater than 0"),
        ({"method": "hyperband"}, "search.trials: unknown key; there are: seed, objective, direction, space, method"),
        ({"seed": 0}, "search.seed: Input should be greater than 0"),
        ({"objective": "loss"}, "search.objective: String should match pattern '^val_'"),
        ({"space": []}, "search.space: "),
    ],
)
def test_wrong_search_is_named(content: Content, changes: Content, told: str) -> None:
    assert f"mine.toml: {told}" in refusal(searching(content, **changes))


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (RATE | {"high": 0.0001}, "search.space.0: low must be below high, got 0.0001 and 0.0001"),
        (RATE | {"low": 0.0}, "search.space.0: log needs a low above 0, got 0.0"),
        (RATE | {"step": 1}, "search.space.0: step must be more than 1 with log, got 1"),
        (RATE | {"log": False, "step": 0.0}, "search.space.0: step must be more than 0, got 0.0"),
        (RATE | {"stpe": 0.1}, "search.space.0.stpe: unknown key; there are: key, low, high, step, log"),
        ({"key": "fit.epochs"}, "search.space.0.low: missing"),
        (UNITS | {"low": 1}, "search.space.0.low: unknown key; there are: key, choices"),
        (UNITS | {"choices": [[8]]}, "search.space.0.choices: "),
        (UNITS | {"choices": [[8], [8]]}, "search.space.0: two choices of network.units are the same"),
        (UNITS | {"key": "split.seed", "choices": [1, 2]}, "search.space.0: split.seed is the same in every trial"),
        (UNITS | {"key": "data", "choices": [1, 2]}, "search.space.0: data is the same in every trial"),
    ],
)
def test_wrong_entry_of_the_space_is_named(content: Content, entry: Content, told: str) -> None:
    assert told in refusal(searching(content, entry))


def test_two_entries_for_one_value_are_refused(content: Content) -> None:
    whole_table: Content = {"key": "network", "choices": [{"family": "mlp"}, {"family": "cnn"}]}
    assert "space sets network.units twice" in refusal(searching(content, UNITS, UNITS))
    assert "space sets network twice: network, network.units" in refusal(searching(content, UNITS, whole_table))


def test_hyperband_keeps_the_epochs_to_itself(content: Content) -> None:
    epochs = {"key": "fit.epochs", "low": 1, "high": 5}
    parse_job(searching(content, epochs), "mine.toml")
    assert "hyperband chooses fit.epochs itself" in refusal(searching(content, epochs, method="hyperband", trials=None))
