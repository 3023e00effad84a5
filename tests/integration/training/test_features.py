"""What a network sees of each kind of feature: learned on the training rows, the same in the exported graph."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.processes import probe

PROBE = Path(__file__).parent / "features_probe.py"


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    told: dict[str, Any] = probe(PROBE)
    return told


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("standard", [0, 1, 3]),
        ("minmax", [0, 1, 2]),
        ("log", [-1, 0, 1]),
        ("none", [7, 8, 9]),
        ("mean", [3, 5, 0]),
        ("median", [2, 5, 0]),
    ],
)
def test_number_is_scaled_and_filled_in_as_the_job_says(found: dict[str, Any], name: str, expected: list[int]) -> None:
    assert found[name] == pytest.approx(expected, abs=1e-6)


def test_category_has_a_column_each_and_one_for_the_unknown(found: dict[str, Any]) -> None:
    assert found["one_hot"] == [[0, 1, 0], [0, 0, 1], [1, 0, 0]]


def test_vocabulary_of_the_job_comes_before_what_the_rows_have(found: dict[str, Any]) -> None:
    assert found["listed"] == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]


def test_unknown_categories_share_one_embedding(found: dict[str, Any]) -> None:
    known, unknown, another = found["embedding"]
    assert unknown == another
    assert unknown != known
    assert len(known) == 3


def test_words_are_counted_once_whatever_their_case_and_punctuation(found: dict[str, Any]) -> None:
    twice, two_words, unheard = found["multi_hot"]
    assert sum(twice) == 1
    assert sum(two_words) == 2
    assert unheard == [1, *[0] * (len(unheard) - 1)]


def test_rare_word_weighs_more_than_a_common_one(found: dict[str, Any]) -> None:
    dogs, cat, nothing = (np.array(row) for row in found["tf_idf"])
    assert dogs.max() / 2 == pytest.approx(math.log(1 + 4 / 5))  # in all four training rows
    assert cat.max() == pytest.approx(math.log(1 + 4 / 2))  # in one of them
    assert not nothing.any()


def test_sequence_is_cut_or_padded_to_its_length(found: dict[str, Any]) -> None:
    assert found["sequence"] == [[2, 3, 2], [3, 0, 0], [1, 0, 0]]  # dog 2, cat 3, unknown 1, padding 0
    assert found["tokens"] == [5]  # those two, "dog!", unknown and padding


def test_pairs_of_words_tell_their_order(found: dict[str, Any]) -> None:
    in_order, turned, _ = found["pairs"]
    assert in_order != turned


def test_exported_graph_has_learned_the_same(found: dict[str, Any]) -> None:
    assert found["same_when_served"]
