"""What is drawn of a classifier, and what is left out."""

import numpy as np

from training.report.classes import class_pictures, most_confused
from training.report.drawing import drawing

THREE = np.eye(3, dtype=np.float32)[[0, 1, 2, 1]]


def names(answers: np.ndarray, truth: np.ndarray, labels: tuple[str, ...]) -> list[str]:
    with drawing():
        return [picture.name for picture in class_pictures(answers, truth, labels)]


def test_every_picture_is_drawn_where_it_is_defined() -> None:
    expected = ["confusion", "roc", "precision_recall", "calibration"]
    assert names(THREE, np.array([0, 1, 2, 2]), ("a", "b", "c")) == expected


def test_a_test_split_of_one_class_has_no_roc() -> None:
    assert "roc" not in names(THREE[:, :2], np.zeros(4, np.int64), ("a", "b"))


def test_a_thousand_classes_have_no_matrix() -> None:
    answers = np.full((4, 1000), 0.001, np.float32)
    assert "confusion" not in names(answers, np.arange(4), tuple(map(str, range(1000))))


def test_most_confused_pairs_are_counted_against_their_class() -> None:
    counts = np.array([[5, 1, 0], [3, 7, 0], [0, 0, 2]])
    assert most_confused(counts, ("a", "b", "c")).rows == (("b", "a", "3", "10"), ("a", "b", "1", "6"))
