"""Values as a reader wants them."""

import numpy as np
import pytest

from training.report.words import natural, number, share, short, squeezed


@pytest.mark.parametrize(
    ("value", "told"),
    [(None, "-"), (1258, "1,258"), (0.97222, "0.9722"), (33_100.4, "33,100"), (-2.0, "-2"), (1.5e-7, "1.5e-07")],
)
def test_numbers_have_four_digits(value: float | None, told: str) -> None:
    assert number(value) == told


def test_shares_line_up() -> None:
    assert [share(1.0), share(0.25), share(None)] == ["1.0000", "0.2500", "-"]


def test_long_text_is_cut_at_its_end_and_a_label_in_its_middle() -> None:
    assert short("one\ntwo\x07 three", 9) == "one two …"
    assert squeezed("a class of number 17", 12) == "a class…r 17"
    assert squeezed("class 17", 12) == "class 17"


def test_cells_are_told_by_their_kind() -> None:
    assert natural(b"Z\xc3\xbcrich") == "Zürich"
    assert natural(np.float32(29.1)) == "29.1"
    assert natural(np.array([1.0, 2.5])) == "[1. , 2.5]"
    assert natural(np.bool_(True)) == "True"
