"""JSON rows of numbers through the quick reader: the same arrays and the same errors as through the strict one."""

import numpy as np
import orjson
import pytest
import simdjson

from serving.contract.features import Feature, ImageFeature, NumberFeature, TensorFeature
from serving.errors import InvalidInput
from serving.rest.natural_body import read_predict_body
from serving.rest.request_head import RequestHead

HEAD = RequestHead({b"content-type": b"application/json"})
PAIRS = TensorFeature(name="x", shape=(2,))
SHARE = NumberFeature(name="x", range=(0, 1))
GREY = ImageFeature(name="x", shape=(2, 1), range=(0, 16))
BYTES = TensorFeature(name="x", shape=(2,), dtype="uint8")


def both(feature: Feature, body: bytes) -> list[object]:
    """What each way makes of a body: the array's values and dtype, or the error's name, message and place."""
    found: list[object] = []
    for parser in (simdjson.Parser(), None):
        try:
            array = read_predict_body(HEAD, body, parser=parser).decode([feature])["x"]
            found.append((array.tolist(), array.dtype))
        except InvalidInput as error:
            found.append((type(error).__name__, str(error), error.pointer))
    return found


@pytest.mark.parametrize(
    ("feature", "rows", "outcome"),
    [
        (PAIRS, [[1, 2.5]], ([[1.0, 2.5]], np.float32)),
        (PAIRS, [[1, 2], [3, 1e39]], "OutOfRange"),
        (PAIRS, [[1, 2], [3]], "WrongShape"),
        (PAIRS, [[1, "2"]], "WrongDtype"),
        (SHARE, [0, 0.5, 1], ([0.0, 0.5, 1.0], np.float32)),
        (SHARE, [0, 0.5, 1.5], "OutOfRange"),
        (GREY, [[[1], [17]]], "OutOfRange"),
        (BYTES, [[0, 255]], ([[0, 255]], np.uint8)),
        (BYTES, [[0, 256]], "OutOfRange"),
        (BYTES, [[0, 1.0]], "WrongDtype"),
    ],
)
def test_both_ways_say_the_same(feature: Feature, rows: list[object], outcome: object) -> None:
    quick, strict = both(feature, orjson.dumps({"instances": rows}))
    assert quick == strict
    assert isinstance(quick, tuple)
    assert quick[0] == outcome if isinstance(outcome, str) else quick == outcome


@pytest.mark.parametrize("body", [b"", b"{", b'{"instances": []}', b'{"instances": 5}', b'{"instances": [1, 2]} x'])
def test_both_ways_refuse_what_is_no_request(body: bytes) -> None:
    def refusal(parser: simdjson.Parser | None) -> tuple[str, str]:
        with pytest.raises(InvalidInput) as caught:
            read_predict_body(HEAD, body, parser=parser).decode([PAIRS])
        return type(caught.value).__name__, str(caught.value)

    assert refusal(simdjson.Parser()) == refusal(None)
