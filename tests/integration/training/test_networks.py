"""How features become a network, before any fit."""

from pathlib import Path
from typing import Any

import pytest

from tests.processes import probe

PROBE = Path(__file__).parent / "network_probe.py"


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    told: dict[str, Any] = probe(PROBE)
    return told


def test_each_feature_is_an_input_of_its_own_shape_under_its_name(found: dict[str, Any]) -> None:
    assert found["inputs"] == {"age": [None], "image": [None, 2, 3], "bmi": [None]}
    assert found["output"] == [None, 1]


def test_training_rows_are_normalised_number_by_number_and_over_all_pixels(found: dict[str, Any]) -> None:
    assert found["numbers"]["mean"] == pytest.approx([0, 0], abs=1e-4)
    assert found["numbers"]["deviation"] == pytest.approx([1, 1], abs=1e-4)
    assert found["pixels"] == {"mean": pytest.approx(0, abs=1e-4), "deviation": pytest.approx(1, abs=1e-4)}


def test_untrained_regressor_answers_around_the_training_mean(found: dict[str, Any]) -> None:
    assert found["answers_mean"] == pytest.approx(150, abs=100)


def test_feature_that_never_varies_is_refused_by_name(found: dict[str, Any]) -> None:
    assert found["refusal"] == "bmi is 25 in every training row: drop it"
