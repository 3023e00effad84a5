from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.batching.lengths import LengthRules, length_rules
from serving.contract.features import Feature, NumberFeature, TensorFeature
from serving.contract.tensors import Array, Signature, TensorSpec
from serving.errors import PayloadTooLarge

TOKENS = TensorFeature(name="tokens", dtype="int64", shape=(None,), pad_value=-1)
MASK = TensorFeature(name="mask", dtype="float32", shape=(None,), mask_of="tokens")
POINTS = TensorFeature(name="points", shape=(2, None), pad_value=0.5)
WORDS = TensorFeature(name="words", dtype="string", shape=(None,), pad_value="-")
MANY = 10**9


def rules(*features: Feature, lengths: tuple[int, ...] = (), outputs: tuple[TensorSpec, ...] = ()) -> LengthRules:
    inputs = tuple(TensorSpec(each.name, each.dtype, each.row_shape) for each in features)
    found = length_rules(features, Signature(inputs, outputs), lengths)
    assert found is not None
    return found


def ragged(*rows: Any) -> Array:
    column: Array = np.empty(len(rows), object)
    for place, row in enumerate(rows):
        column[place] = np.asarray(row)
    return column


def test_a_model_that_says_no_pad_value_has_no_rules() -> None:
    features = (NumberFeature(name="x"), TensorFeature(name="free", shape=(None,)))
    assert length_rules(features, Signature((), ())) is None


@pytest.mark.parametrize(("own", "length"), [(0, 1), (1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (1000, 1024)])
def test_lengths_are_powers_of_two_unless_said_otherwise(own: int, length: int) -> None:
    assert rules(TOKENS).length_for(own) == length


@pytest.mark.parametrize(("own", "length"), [(0, 3), (3, 3), (4, 10), (10, 10), (11, 11)])
def test_given_lengths_are_kept_and_past_them_nothing_is_filled(own: int, length: int) -> None:
    assert rules(TOKENS, lengths=(3, 10)).length_for(own) == length
    assert rules(TOKENS.model_copy(update={"lengths": (3, 10)})).length_for(own) == length
    assert rules(TOKENS.model_copy(update={"lengths": (7, 9)}), lengths=(3, 10)).length_for(own) == length


def test_rows_are_filled_at_their_end_and_the_mask_says_where() -> None:
    filled = rules(TOKENS, MASK).filled({"tokens": ragged([7], [1, 2, 3], [])}, MANY)
    assert filled.inputs["tokens"].tolist() == [[7, -1, -1, -1], [1, 2, 3, -1], [-1] * 4]
    assert filled.inputs["mask"].tolist() == [[1, 0, 0, 0], [1, 1, 1, 0], [0] * 4]
    assert [filled.inputs[name].dtype.name for name in ("tokens", "mask")] == ["int64", "float32"]
    assert (filled.own, filled.padding) == ({4: 3}, 8)


def test_a_free_dimension_may_stand_anywhere() -> None:
    equal = rules(POINTS).filled({"points": np.ones((1, 2, 3), np.float32)}, MANY)
    assert equal.inputs["points"].tolist() == [[[1, 1, 1, 0.5], [1, 1, 1, 0.5]]]
    assert equal.padding == 2
    differing = rules(POINTS).filled({"points": ragged(np.ones((2, 1)), np.ones((2, 2)))}, MANY)
    assert differing.inputs["points"].tolist() == [[[1, 0.5], [1, 0.5]], [[1, 1], [1, 1]]]
    assert differing.inputs["points"].dtype == np.float32


def test_strings_are_filled_with_bytes() -> None:
    column = ragged(np.array([b"a"], object), np.array([b"b", b"c"], object))
    assert rules(WORDS).filled({"words": column}, MANY).inputs["words"].tolist() == [[b"a", b"-"], [b"b", b"c"]]


def test_what_needs_no_filling_is_handed_on_as_it_is() -> None:
    tokens: Array = np.ones((3, 4), np.int64)
    filled = rules(TOKENS).filled({"tokens": tokens, "other": tokens}, MANY)
    assert (filled.inputs["tokens"] is tokens, filled.inputs["other"] is tokens, filled.padding) == (True, True, 0)


def test_one_long_row_among_many_makes_nothing_huge() -> None:
    rows = ragged(*[[1]] * 1000, range(1000))
    with pytest.raises(PayloadTooLarge, match="8200192 bytes once every row is as long as the longest"):
        rules(TOKENS).filled({"tokens": rows}, 1_000_000)


def test_outputs_are_cut_back_along_their_free_dimension() -> None:
    outputs = (TensorSpec("tags", "float32", (None, 2)), TensorSpec("pairs", "float32", (None, None)),
               TensorSpec("top", "float32", (None,)), TensorSpec("value", "float32", (4,)))  # fmt: skip
    given: dict[str, Array] = {
        "tags": np.zeros((1, 4, 2)), "pairs": np.zeros((1, 4, 4)), "top": np.zeros((1, 7)), "value": np.zeros((1, 4))
    }  # fmt: skip
    found = rules(TOKENS, outputs=outputs).cut(given, {4: 3})
    assert {name: array.shape for name, array in found.items()} == {
        "tags": (1, 3, 2), "pairs": (1, 3, 3), "top": (1, 7), "value": (1, 4)
    }  # fmt: skip


@given(rows=st.lists(st.lists(st.integers(0, 9), max_size=20), min_size=1, max_size=8))
def test_every_value_stays_in_its_place_and_all_others_are_padding(rows: list[list[int]]) -> None:
    column = ragged(*(np.array(row, np.int64) for row in rows))
    filled = rules(TOKENS, MASK).filled({"tokens": column}, MANY)
    tokens, mask = filled.inputs["tokens"], filled.inputs["mask"]
    assert [row[own == 1].tolist() for row, own in zip(tokens, mask, strict=True)] == rows
    assert (tokens[mask == 0] == -1).all()
    assert filled.padding == (mask == 0).sum()
    assert tokens.shape[1] < 2 * max(1, *map(len, rows)) or tokens.shape[1] == 1
