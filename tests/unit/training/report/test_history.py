"""Curves of the fit."""

from training.report.history import history_pictures


def test_learning_rate_is_drawn_only_where_it_moves() -> None:
    loss = {"loss": [2.0, 1.0], "val_loss": [2.0, 1.5]}
    still = history_pictures({**loss, "learning_rate": [0.1, 0.1]}, 2)
    moving = history_pictures({**loss, "learning_rate": [0.1, 0.01]}, 2)
    assert [one.name for one in still] == ["history_1_loss"]
    assert [one.name for one in moving] == ["history_1_loss", "history_2_learning_rate"]
