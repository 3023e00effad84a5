"""Trials in order."""

from training.leaderboard import SHOWN, TrialResult, as_text, leaderboard, ranked

TRIALS = [
    TrialResult(1, {"network.units": [8], "fit.batch_rows": 4}, 0.5, 9, 7),
    TrialResult(2, {"network.units": [9], "fit.batch_rows": 4}),
    TrialResult(3, {"network.units": [10, 5], "fit.batch_rows": 4}, 0.25, 3, 2),
    TrialResult(4, {"network.units": [11], "fit.batch_rows": 4}, 0.25, 5, 5),
]


def numbers(direction: str) -> list[int]:
    return [trial.number for trial in ranked(TRIALS, direction)]


def test_best_is_first_the_earlier_of_equals_and_a_failed_trial_last() -> None:
    assert numbers("min") == [3, 4, 1, 2]
    assert numbers("max") == [1, 3, 4, 2]


def test_row_has_values_figure_and_epochs() -> None:
    board = leaderboard(ranked(TRIALS, "min"), "val_loss", "random")
    assert board.title == "Search: 4 trials, random, best first"
    assert board.header == ("trial", "units", "batch_rows", "val_loss", "best epoch", "epochs")
    assert board.rows[0] == ("3", "[10, 5]", "4", "0.25", "2", "3")
    assert board.rows[-1] == ("2", "[9]", "4", "failed", "-", "-")


def test_keys_that_end_alike_are_told_whole() -> None:
    board = leaderboard([TrialResult(1, {"a.rate": 1, "b.rate": 2, "b.c": 3}, 0.5, 1, 1)], "val_loss", "random")
    assert board.header[1:4] == ("a.rate", "b.rate", "c")


def test_only_the_best_are_shown_and_the_title_says_so() -> None:
    many = [TrialResult(number, {"fit.epochs": number}, float(number), 1, 1) for number in range(1, 31)]
    board = leaderboard(ranked(many, "max"), "val_accuracy", "bayesian")
    assert len(board.rows) == SHOWN
    assert board.rows[0][0] == "30"
    assert board.title == "Search: the best 20 of 30 trials, bayesian, best first"


def test_text_stands_in_columns() -> None:
    title, header, *rows = as_text(leaderboard(ranked(TRIALS, "min"), "val_loss", "random")).splitlines()
    assert title == "Search: 4 trials, random, best first"
    assert header == "trial    units  batch_rows  val_loss  best epoch  epochs"
    assert rows[0] == "    3  [10, 5]           4      0.25           2       3"
