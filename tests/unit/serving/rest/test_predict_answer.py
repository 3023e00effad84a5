from collections.abc import Callable

import numpy as np
import orjson
import pytest

from serving.batching.waiting import Receipt
from serving.catalog import Servable
from serving.contract.manifest import Manifest
from serving.contract.tensors import Array
from serving.prediction import Prediction
from serving.rest.predict_answer import encode_predictions, server_timing


def strings(*values: object) -> Array:
    return np.array(values, dtype=object)


def predictions(**outputs: Array) -> object:
    return orjson.loads(encode_predictions(outputs))["predictions"]


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([[0.1], [0.2]], np.float32), [[0.1], [0.2]]),
        (np.array([0.5, 65504], np.float16), [0.5, 65504.0]),
        (np.array([1e-300]), [1e-300]),
        (np.array([2**63 - 1]), [2**63 - 1]),
        (np.array([0, 255], np.uint8), [0, 255]),
        (np.array([True, False]), [True, False]),
        (np.zeros((2, 0), np.float32), [[], []]),
        (np.arange(6, dtype=np.float32).reshape(3, 2).T, [[0, 2, 4], [1, 3, 5]]),
        (np.arange(6, dtype=np.int32)[::-2], [5, 3, 1]),
        (np.array([np.nan, np.inf, -np.inf, 1], np.float16), [None, None, None, 1]),
        (strings(b"Ulm", "K\xf6ln".encode()), ["Ulm", "K\xf6ln"]),
        (strings(b"\xff", b"ok"), [{"b64": "/w=="}, "ok"]),
        (np.array([[b"a", b"b"]], dtype=object), [["a", "b"]]),
    ],
)
def test_one_output_is_its_rows_without_a_name(array: Array, expected: object) -> None:
    assert predictions(value=array) == expected


def test_several_outputs_are_objects_row_by_row() -> None:
    mean, name = np.array([[1.5, np.nan], [2.5, 3.5]], np.float16), strings(b"a", b"\xff")
    assert predictions(mean=mean, name=name, sure=np.array([True, False])) == [
        {"mean": [1.5, None], "name": "a", "sure": True},
        {"mean": [2.5, 3.5], "name": {"b64": "/w=="}, "sure": False},
    ]


def test_outputs_named_bytes_are_always_base64() -> None:
    assert predictions(png_bytes=strings(b"ok")) == [{"b64": "b2s="}]
    assert predictions(png_bytes=strings(b"ok"), name=strings(b"ok")) == [{"png_bytes": {"b64": "b2s="}, "name": "ok"}]


def test_the_receipt_is_in_milliseconds_and_rows(manifest_with: Callable[..., Manifest]) -> None:
    servable = Servable("doubles", 1, manifest_with(), {})
    prediction = Prediction(servable, {}, Receipt(0.0004, 0.0009, 17), 0.1)
    assert server_timing(prediction, 0.00005, 0.00003) == (
        b'decode;dur=0.050, queue;dur=0.400, backend;dur=0.900, encode;dur=0.030, batch;desc="17 rows"'
    )
