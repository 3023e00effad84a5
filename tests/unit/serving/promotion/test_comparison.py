import pytest
from pydantic import JsonValue

from serving.contract.manifest import Tolerance
from serving.promotion.comparison import difference

NEAR = Tolerance(absolute=0.01, relative=0.1)


@pytest.mark.parametrize(
    ("row", "expected", "said"),
    [
        ([0.5, 0.5], {"p": [0.5, 0.5]}, ""),
        ([0.55, 0.5], {"p": [0.5, 0.5]}, ""),
        ([0.57, 0.5], {"p": [0.5, 0.5]}, "p[0]: 0.57 where 0.5 was expected"),
        ([-0.5], {"p": [0.5]}, "p[0]: -0.5 where 0.5 was expected"),
        ([None], {"p": [0.5]}, "p[0]: None where 0.5 was expected"),
        ([0.5], {"p": [0.5, 0.5]}, "p: [0.5] is no list of 2"),
        (7.0, {"p": 7}, ""),
        (True, {"p": 1}, ""),
        ({"p": [1.0], "other": "x"}, {"p": [1]}, ""),
        ({"label": "a", "p": 1.0}, {"label": "b", "p": 1}, "label: 'a' where 'b' was expected"),
        ([1.0], {"label": "b", "p": 1}, "outputs label, p were expected, and one came"),
        ({"label": "b"}, {"label": "b", "p": 1}, "there is no output p"),
        ([[1.0], [2.0]], {"p": [[1.0], [3.0]]}, "p[1][0]: 2 where 3 was expected"),
    ],
)
def test_a_row_is_the_expected_one_or_the_first_difference_is_said(
    row: JsonValue, expected: dict[str, JsonValue], said: str
) -> None:
    assert difference(row, expected, NEAR) == said
