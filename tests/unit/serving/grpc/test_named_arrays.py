import numpy as np
import pytest

from serving.contract.features import CategoryFeature, Feature, ImageFeature, NumberFeature
from serving.contract.tensors import Array, TensorSpec
from serving.errors import InvalidInput, MissingField, OutOfRange, UnknownField, WrongDtype, WrongShape
from serving.grpc.named_arrays import chosen_outputs, decode_named

FEATURES: tuple[Feature, ...] = (
    NumberFeature(name="age", range=(0, 120)),
    NumberFeature(name="rooms", dtype="int64", default=3),
    CategoryFeature(name="town", default="Ulm"),
    NumberFeature(name="mood", optional=True),
)


def decoded(**arrays: object) -> dict[str, Array]:
    given = {name: np.asarray(array) for name, array in arrays.items()}
    return decode_named(given, FEATURES, {name: f"/inputs/{name}" for name in given})


def test_what_is_absent_gets_its_default() -> None:
    found = decoded(age=np.array([1, 2], np.float32))
    assert found["rooms"].tolist() == [3, 3]
    assert found["rooms"].dtype == np.int64
    assert found["town"].tolist() == [b"Ulm", b"Ulm"]
    assert np.isnan(found["mood"]).all()


def test_dtypes_are_brought_to_the_features_own() -> None:
    found = decoded(age=np.array([7], np.int16), rooms=np.array([2], np.uint8), mood=np.array([0.5], np.float64))
    assert [found[name].dtype.name for name in ("age", "rooms", "mood")] == ["float32", "int64", "float32"]


def test_nan_says_that_an_optional_number_is_absent_and_nothing_else() -> None:
    assert np.isnan(decoded(age=[1.0, 2.0], mood=[np.nan, 1.0])["mood"]).tolist() == [True, False]
    with pytest.raises(OutOfRange) as refused:
        decoded(age=[1.0, np.nan])
    assert refused.value.pointer == "/inputs/age/1"


def test_image_bytes_are_decoded_as_anywhere() -> None:
    image = (ImageFeature(name="image", shape=(8, 8)),)
    with pytest.raises(InvalidInput) as refused:
        decode_named({"image": np.array([b"no image"], object)}, image, {"image": "/inputs/image"})
    assert refused.value.pointer == "/inputs/image/0"


@pytest.mark.parametrize(
    ("arrays", "kind", "pointer"),
    [
        ({"age": [1.0], "agee": [1.0]}, UnknownField, "/inputs/agee"),
        ({"rooms": [1]}, MissingField, "/inputs"),
        ({}, MissingField, "/inputs"),
        ({"age": 1.0}, WrongShape, "/inputs/age"),
        ({"age": [1.0], "rooms": [1, 2]}, WrongShape, "/inputs/rooms"),
        ({"age": [[1.0]]}, WrongShape, "/inputs/age/0"),
        ({"age": np.empty(0)}, InvalidInput, "/inputs/age"),
        ({"age": [1.0, 200.0]}, OutOfRange, "/inputs/age/1"),
        ({"age": [1.0], "rooms": [1.5]}, WrongDtype, "/inputs/rooms/0"),
        ({"age": np.array([b"x"], object)}, WrongDtype, "/inputs/age/0"),
        ({"age": [1.0], "town": [1.0]}, WrongDtype, "/inputs/town"),
    ],
)
def test_the_wrong_input_is_named(arrays: dict[str, object], kind: type[InvalidInput], pointer: str) -> None:
    with pytest.raises(kind) as refused:
        decoded(**arrays)
    assert refused.value.pointer == pointer


def test_outputs_are_those_asked_for_or_all() -> None:
    specs = (TensorSpec("a", "float32", ()), TensorSpec("b", "float32", ()))
    assert chosen_outputs(specs, [], []) == ["a", "b"]
    assert chosen_outputs(specs, ["b"], ["/output_filter/0"]) == ["b"]
    with pytest.raises(UnknownField) as refused:
        chosen_outputs(specs, ["c"], ["/output_filter/0"])
    assert refused.value.pointer == "/output_filter/0"
