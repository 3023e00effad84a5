import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.preprocessing.json_text import read_json

NUMBERS = st.floats() | st.integers(-(2**63), 2**63)


def test_the_numbers_that_json_lacks_are_read() -> None:
    found = read_json(b'{"a": [NaN, 1, -Infinity, "NaN"], "b": Infinity}')
    assert math.isnan(found["a"][0])
    assert (found["a"][1:], found["b"]) == ([1, -math.inf, "NaN"], math.inf)


@given(values=st.lists(NUMBERS, max_size=5))
def test_whatever_python_writes_is_read_back(values: list[float]) -> None:
    text = repr(values).replace("nan", "NaN").replace("inf", "Infinity").encode()
    assert list(map(repr, map(float, read_json(memoryview(text))))) == list(map(repr, map(float, values)))


@pytest.mark.parametrize(
    "text", [b"", b"NaN,", b"nan", b"[NaN" * 5000, b'["\\ud800", NaN]', b'["\xff", NaN]', "[NaN]".encode("utf-16")]
)
def test_what_is_no_json_even_so_is_refused(text: bytes) -> None:
    with pytest.raises(orjson.JSONDecodeError):
        read_json(text)
