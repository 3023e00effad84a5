from collections.abc import Callable

import pytest

from serving.contract.agreement import check_agreement, features_of
from serving.contract.features import ImageFeature, NumberFeature, TensorFeature
from serving.contract.manifest import Manifest
from serving.contract.tensors import Signature, TensorSpec, shape_matches, shape_text
from serving.errors import IntegrityError


def signature(*inputs: TensorSpec) -> dict[str, Signature]:
    return {"serving_default": Signature(inputs, ())}


def test_features_that_are_the_inputs_agree(manifest_with: Callable[..., Manifest]) -> None:
    features = (NumberFeature(name="x", dtype="int64"), ImageFeature(name="image", shape=(8, 8)))
    image, x = TensorSpec("image", "float32", (8, 8)), TensorSpec("x", "int64", ())
    check_agreement(manifest_with(features=features), signature(image, x))


@pytest.mark.parametrize(
    ("signatures", "message"),
    [
        ({"other": Signature((), ())}, "no signature serving_default; it has other"),
        (signature(), r"features \['x'\] are not the inputs \[\]"),
        (signature(TensorSpec("y", "float32", ())), r"features \['x'\] are not the inputs \['y'\]"),
        (signature(TensorSpec("x", "float32", ()), TensorSpec("y", "float32", ())), r"are not the inputs \['x', 'y'\]"),
        (signature(TensorSpec("x", "float64", ())), r"x is float32 \[\] in the manifest, float64 \[\]"),
        (signature(TensorSpec("x", "float32", (None, 1))), r"x is float32 \[\] .*, float32 \[any, 1\]"),
    ],
)
def test_each_disagreement_is_told(
    manifest_with: Callable[..., Manifest], signatures: dict[str, Signature], message: str
) -> None:
    with pytest.raises(IntegrityError, match=message):
        check_agreement(manifest_with(), signatures)


def test_inputs_that_no_manifest_describes_are_raw_tensors() -> None:
    spec = TensorSpec("x", "int32", (None, 3))
    assert features_of(Signature((spec,), ())) == (TensorFeature(name="x", dtype="int32", shape=(None, 3)),)


@pytest.mark.parametrize(
    ("shape", "wanted", "matches"),
    [((), (), True), ((2, 3), (2, 3), True), ((2, 3), (None, 3), True), ((2,), (3,), False), ((2,), (2, 1), False)],
)
def test_a_free_dimension_matches_any_size(
    shape: tuple[int, ...], wanted: tuple[int | None, ...], *, matches: bool
) -> None:
    assert shape_matches(shape, wanted) is matches


def test_shapes_are_shown_with_any_for_a_free_dimension() -> None:
    assert shape_text((8, None)) == "[8, any]"
    assert shape_text(()) == "[]"
