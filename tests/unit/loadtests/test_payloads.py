"""Requests made from a seed: what a model takes, as the client writes it, and what it must refuse."""

import json
from base64 import b64decode
from collections import Counter
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from penstock_client.metadata import parse_metadata
from PIL import Image

from loadtests.made_rows import row_maker
from loadtests.payloads import Form, Payload, ServedModel, forms_of, payloads
from serving.backends.tensorflow_messages import message_module

DIGIT = np.tile([0.0, 3.0, 15.0, 16.0], (4, 1)).tolist()
PIXELS = {
    "kind": "image",
    "name": "image",
    "dtype": "float32",
    "shape": [4, 4],
    "range": [0.0, 16.0],
    "decoding": {"scale": 16 / 255},
}
AGE = {"kind": "number", "name": "age", "dtype": "int32", "range": [0, 120]}
CITY = {"kind": "category", "name": "city", "vocabulary": ["Oslo", "Rome"]}
NOTE = {"kind": "text", "name": "note"}


def served(*features: dict[str, Any], golden: Any = None) -> ServedModel:
    manifest = {
        "features": [{"dtype": "string", **feature} for feature in features],
        "outputs": {"task": "regression", "target": "price"},
        "signatures": {"serving_default": {"outputs": [{"name": "value"}]}},
        "golden_examples": [] if golden is None else [{"instance": golden}],
    }
    return document({"manifest": manifest})


def document(metadata: dict[str, Any]) -> ServedModel:
    body = {"model_spec": {"name": "shop", "version": "3"}, "metadata": metadata}
    return ServedModel(parse_metadata(body), json.dumps(body).encode())


def bare() -> ServedModel:
    """A version without a manifest: all that is known is its signature."""
    sizes = [{"size": "-1"}, {"size": "-1"}]
    inputs = {"x": {"dtype": "DT_INT64", "tensor_shape": {"dim": sizes}}}
    return document(
        {"signature_def": {"signature_def": {"serving_default": {"inputs": inputs, "outputs": {"value": {}}}}}}
    )


def instances(payload: Payload) -> Any:
    return json.loads(payload.body)["instances"]


IMAGES, RECORDS = served(PIXELS, golden=DIGIT), served(AGE, CITY, NOTE, golden={"age": 41, "note": "two rooms"})


@pytest.mark.parametrize("wire", ["rest", "grpc"])
@pytest.mark.parametrize("model", [IMAGES, RECORDS, bare()])
def test_the_same_seed_makes_the_same_requests_and_another_makes_others(model: ServedModel, wire: Any) -> None:
    made = payloads(model, 5, wire=wire)
    assert made == payloads(model, 5, wire=wire)
    assert made != payloads(model, 6, wire=wire)


def test_a_mix_has_one_bad_request_in_a_hundred_and_single_rows_most_often() -> None:
    counts = Counter(payload.form for payload in payloads(IMAGES, 1))
    assert counts == {"row": 140, "batch": 40, "image": 18, "bad": 2}
    assert set(Counter(payload.form for payload in payloads(RECORDS, 1, count=4))) == {"record", "batch", "bad"}


def test_what_is_good_wants_an_answer_and_what_is_bad_a_refusal() -> None:
    for payload in (*payloads(RECORDS, 1), *payloads(RECORDS, 1, wire="grpc")):
        assert payload.is_bad == (payload.form == "bad") == (payload.wanted in ("400", "INVALID_ARGUMENT"))


def test_a_request_over_rest_is_the_clients_own() -> None:
    (payload,) = payloads(RECORDS, 1, "record", count=1)
    assert payload.path == "/v1/models/shop:predict"
    assert payload.headers == {"content-type": "application/json", "x-request-timeout-ms": "10000"}
    (row,) = instances(payload)
    assert set(row) == {"age", "city", "note"}
    assert payload.body == json.dumps({"instances": [row]}, separators=(",", ":")).encode()


def test_values_are_near_the_example_and_within_the_range() -> None:
    for payload in payloads(RECORDS, 3, "batch", count=20):
        assert 2 <= payload.rows == len(instances(payload)) <= 16
        for row in instances(payload):
            assert row["city"] in ("Oslo", "Rome")
            assert sorted(row["note"].split()) == ["rooms", "two"]
            assert isinstance(row["age"], int)
            assert 20 < row["age"] < 62  # ten deviations of 5 %
    pixels = np.array([instances(payload) for payload in payloads(IMAGES, 3, "row", count=50)])
    assert (pixels.min(), pixels.max()) == (0, 16)
    assert len(np.unique(pixels, axis=0)) > 40


def test_an_image_is_a_png_that_decodes_to_the_pixels() -> None:
    (payload,) = payloads(IMAGES, 1, "image", count=1)
    (sent,) = instances(payload)
    image = Image.open(BytesIO(b64decode(sent["b64"])))
    assert (image.format, image.mode, image.size) == ("PNG", "L", (4, 4))
    levels = np.asarray(image, np.float64) * 16 / 255
    assert np.abs(levels - levels.round()).max() < 0.04  # the example's are whole


def test_over_grpc_every_feature_is_a_tensor_with_a_row_for_each() -> None:
    (payload,) = payloads(RECORDS, 4, "batch", wire="grpc", count=1)
    message = message_module("tensorflow_serving.apis.predict_pb2").PredictRequest.FromString(payload.body)
    assert message.model_spec.name == "shop"
    sizes = {name: [each.size for each in tensor.tensor_shape.dim] for name, tensor in message.inputs.items()}
    assert sizes == {name: [payload.rows] for name in ("age", "city", "note")}


def test_rows_of_a_batch_share_the_length_of_a_free_dimension() -> None:
    random = np.random.default_rng(1)
    lengths = [{len(row["x"]) for row in row_maker(bare().metadata).rows(5, random)} for _ in range(10)]
    assert all(len(each) == 1 for each in lengths)
    assert len(set.union(*lengths)) > 1


@pytest.mark.parametrize(
    ("model", "forms"),
    [
        (IMAGES, ("row", "batch", "image", "bad")),
        (RECORDS, ("record", "batch", "bad")),
        (bare(), ("row", "batch", "bad")),
    ],
)
def test_the_forms_are_those_the_model_takes(model: ServedModel, forms: tuple[Form, ...]) -> None:
    assert forms_of(model) == forms


def test_a_form_the_model_does_not_take_is_refused_with_those_it_does() -> None:
    with pytest.raises(ValueError, match="shop takes no requests of the form 'image'; there are: record, batch, bad"):
        payloads(RECORDS, 1, "image")
