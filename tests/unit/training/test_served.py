"""Images as 8-bit pixels: features, rows and ranges of a version made for GPUs."""

import io

import numpy as np
import pytest
from PIL import Image

from serving.contract.features import ImageDecoding, ImageFeature, NumberFeature
from serving.errors import InvalidInput
from serving.preprocessing.images import decode_image
from training.export_spec import ExportSpec
from training.served import decoded_inputs, pixel_decodings, served_features, served_inputs

CPU, GPU = ExportSpec(), ExportSpec(profile="gpu")
AGE = NumberFeature(name="age")


def photo(scale: float = 1 / 255, offset: float = 0.0, limits: tuple[float, float] | None = None) -> ImageFeature:
    decoding = ImageDecoding(scale=scale, offset=offset, resample="box")
    return ImageFeature(name="photo", shape=(1, 3), range=limits, decoding=decoding, description="a strip")


def test_cpu_serves_what_it_was_trained_on() -> None:
    rows = {"photo": np.zeros((2, 1, 3), np.float32)}
    assert served_features((AGE, photo()), CPU) == (AGE, photo())
    assert served_inputs(rows, (photo(),), CPU)["photo"] is rows["photo"]
    assert pixel_decodings((photo(),), CPU) == {}


def test_gpu_serves_plain_pixels_of_images_and_leaves_numbers() -> None:
    age, image = served_features((AGE, photo()), GPU)
    assert age == AGE
    assert image == ImageFeature(
        name="photo", dtype="uint8", shape=(1, 3), description="a strip", decoding=ImageDecoding(resample="box")
    )
    assert pixel_decodings((AGE, photo()), GPU) == {"photo": photo().decoding}


@pytest.mark.parametrize(
    ("feature", "pixels"),
    [
        (photo(0.06274509803921569, limits=(0, 16)), None),
        (photo(1 / 255, limits=(0, 0.5)), (0, 127)),
        (photo(2 / 255, -1, limits=(0, 1)), (128, 255)),
        (photo(-1 / 255, 1, limits=(0, 0.2)), (204, 255)),
        (photo(1, limits=(-5, 300)), None),
    ],
)
def test_range_is_counted_in_pixels_and_left_out_where_all_are_inside(
    feature: ImageFeature, pixels: tuple[float, float] | None
) -> None:
    (served,) = served_features((feature,), GPU)
    assert isinstance(served, ImageFeature)
    assert served.range == pixels


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (1 / 255, 0.0), (2 / 255, -1.0), (-0.3, 7.0)])
def test_pixels_survive_their_decoding(scale: float, offset: float) -> None:
    pixels = np.arange(255, dtype=np.uint8).reshape(85, 1, 3)
    feature = photo(scale, offset)
    decoded = []
    for row in pixels:
        stream = io.BytesIO()
        Image.fromarray(row).save(stream, "PNG")
        decoded.append(decode_image(stream.getvalue(), feature, ""))
    served = served_inputs({"photo": np.stack(decoded)}, (feature,), GPU)["photo"]
    assert served.dtype == np.uint8
    np.testing.assert_array_equal(served, pixels)
    again = decoded_inputs({"photo": served}, (feature,), GPU)["photo"]
    assert again.dtype == np.float32
    np.testing.assert_array_equal(again, np.stack(decoded))


def test_value_between_two_pixels_is_served_as_the_nearer() -> None:
    rows = {"photo": np.array([[[0.4, 0.6, 255]]], np.float32)}
    served = served_inputs(rows, (photo(1.0),), GPU)
    assert served["photo"].tolist() == [[[0, 1, 255]]]
    assert decoded_inputs(served, (photo(1.0),), GPU)["photo"].tolist() == [[[0.0, 1.0, 255.0]]]
    assert decoded_inputs(rows, (photo(1.0),), CPU)["photo"] is rows["photo"]


@pytest.mark.parametrize("value", [-0.1, 1.1])
def test_value_that_no_pixel_stands_for_is_refused_at_its_row(value: float) -> None:
    rows = np.zeros((3, 1, 3), np.float32)
    rows[1, 0, 2] = value
    with pytest.raises(InvalidInput, match=r"photo holds .* which no 8-bit pixel decodes to") as refused:
        served_inputs({"photo": rows}, (photo(),), GPU)
    assert refused.value.pointer == "/photo/1"
