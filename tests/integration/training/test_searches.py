"""Searches of each method within one process: what is drawn, how it is judged, what fails and what is refused."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.preloaded import run_preloaded

PROBE = Path(__file__).parent / "tune_probe.py"


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    ran = run_preloaded([PROBE, tmp_path_factory.mktemp("searches")])
    assert ran.returncode == 0, ran.stderr
    return ran


@pytest.fixture(scope="module")
def found(probe: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(probe.stdout)
    return told


def test_nothing_but_our_own_lines_is_said(probe: subprocess.CompletedProcess[str]) -> None:
    assert probe.stderr == ""


def test_bayesian_search_goes_for_the_highest_where_the_objective_is_an_accuracy(found: dict[str, Any]) -> None:
    rows = found["bayesian"]["rows"]
    assert sorted(int(row[0]) for row in rows) == [1, 2, 3, 4, 5]
    accuracies = [float(row[2]) for row in rows]
    assert accuracies == sorted(accuracies, reverse=True)
    assert set(found["bayesian"]["heard"].splitlines()) >= {f"trial {rows[0][0]}/5  network.dropout {rows[0][1]}"}


def test_every_step_of_a_range_may_be_drawn_its_end_too(found: dict[str, Any]) -> None:
    drawn = {row[1] for case in ("bayesian", "more", "and more") for row in found[case]["rows"]}
    assert "0.5" in drawn
    assert drawn <= {"0", "0.1", "0.2", "0.3", "0.4", "0.5"}


def test_hyperband_lets_the_best_of_many_short_trials_train_on(found: dict[str, Any]) -> None:
    rows = {int(row[0]): row for row in found["hyperband"]["rows"]}
    assert [rows[trial][-1] for trial in range(1, 8)] == ["1", "1", "1", "1", "4", "4", "4"]
    best_of_four = min((rows[trial] for trial in range(1, 5)), key=lambda row: float(row[3]))
    assert rows[5][1:3] == best_of_four[1:3]


def test_space_that_is_exhausted_ends_the_search(found: dict[str, Any]) -> None:
    assert sorted(row[1] for row in found["exhausted"]["rows"]) == ["[16, 8]", "[16]", "[2]", "[4]", "[8]"]


def test_more_trials_add_to_those_there_are(found: dict[str, Any]) -> None:
    first, both = ({tuple(row) for row in found[case]["rows"]} for case in ("more", "and more"))
    assert (len(first), len(both)) == (1, 2)
    assert first < both
    assert "trial 1/" not in found["and more"]["heard"]


def test_winner_trains_again_as_it_did_in_the_search(found: dict[str, Any]) -> None:
    best, *others = [row[-2:] for row in found["exhausted"]["rows"]]
    assert [str(epoch) for epoch in found["exhausted"]["again"]] == best
    assert best not in others, "that would be chance"


def test_trial_that_diverges_fails_alone_and_says_why(found: dict[str, Any]) -> None:
    assert [row[2:] for row in found["one fails"]["rows"]][1] == ["failed", "-", "-"]
    assert "  failed: the fit diverged" in found["one fails"]["heard"]


@pytest.mark.parametrize(
    ("case", "error", "told"),
    [
        ("all fail", "PublishError", "all 2 trials of the search failed"),
        (
            "no such figure",
            "InvalidJob",
            "search.objective: the fit has no 'val_f9'; there are: val_accuracy, val_loss",
        ),
        ("no direction", "InvalidJob", "search.direction: say min or max; 'val_f9' alone does not tell"),
        ("damaged", "InvalidJob", "start over with --fresh"),
        ("half distributed", "InvalidSettings", "set KERASTUNER_ORACLE_PORT and KERASTUNER_TUNER_ID too"),
    ],
)
def test_search_that_cannot_be_done_is_refused(found: dict[str, Any], case: str, error: str, told: str) -> None:
    assert found[case]["error"] == error
    assert told in found[case]["told"]
