from base64 import b64encode
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from serving.contract.features import ImageDecoding, ImageFeature
from serving.errors import InvalidInput, PayloadTooLarge, UndecodableImage
from serving.preprocessing.images import MAX_PIXELS, decode_image, pixels_of
from serving.preprocessing.records import decode_instances

MakeImage = Callable[..., bytes]

GREY = ImageFeature(name="image", shape=(2, 2))
COLOUR = ImageFeature(name="image", shape=(2, 2, 3), dtype="uint8")
CHECKS = np.array([[0, 255], [255, 0]], np.uint8)
RGB = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [9, 8, 7]]], np.uint8)
NOISE = np.random.default_rng(7).integers(0, 256, (16, 16), np.uint8)


def test_colours_are_kept_and_grey_is_spread_over_them(image_bytes: MakeImage) -> None:
    assert decode_image(image_bytes(RGB), COLOUR, "").tolist() == RGB.tolist()
    assert decode_image(image_bytes(CHECKS), COLOUR, "").tolist() == np.dstack([CHECKS] * 3).tolist()


def test_colours_become_their_luma_in_a_grey_model(image_bytes: MakeImage) -> None:
    assert decode_image(image_bytes(RGB), GREY, "").tolist() == [[76, 150], [29, 8]]


def test_jpeg_is_read_within_what_jpeg_loses(image_bytes: MakeImage) -> None:
    row = decode_image(image_bytes(CHECKS, "JPEG", quality=100), GREY, "")
    np.testing.assert_allclose(row.astype(int), CHECKS, atol=2)


@pytest.mark.parametrize("resample", ["nearest", "bilinear", "bicubic", "box", "lanczos"])
def test_another_size_is_resized_height_before_width(image_bytes: MakeImage, resample: str) -> None:
    feature = ImageFeature.model_validate({"name": "image", "shape": (2, 3), "decoding": {"resample": resample}})
    stripes = np.tile(np.repeat(np.array([0, 100, 200], np.uint8), 10), (10, 1))
    upper, lower = decode_image(image_bytes(stripes), feature, "").tolist()
    assert upper == lower
    assert upper[0] < upper[1] < upper[2]


def test_a_single_channel_axis_is_kept(image_bytes: MakeImage) -> None:
    feature = ImageFeature(name="image", shape=(2, 2, 1))
    assert decode_image(image_bytes(CHECKS), feature, "").shape == (2, 2, 1)


@settings(deadline=None)
@given(st.lists(st.integers(0, 16), min_size=64, max_size=64))
def test_a_png_of_a_digit_decodes_back_to_the_data_sets_own_units(image_bytes: MakeImage, values: list[int]) -> None:
    feature = ImageFeature(
        name="image", shape=(8, 8), range=(0, 16), decoding=ImageDecoding(scale=16 / 255, offset=0.0)
    )
    digit = np.array(values).reshape(8, 8)
    png = image_bytes(np.round(digit * 255 / 16).astype(np.uint8))
    row = decode_instances([{"b64": b64encode(png).decode()}], (feature,))["image"][0]
    np.testing.assert_allclose(row.astype(float), digit, atol=0.5 * 16 / 255)


@pytest.mark.parametrize("top", [1, 2, 3, 7, 16, 100, 255])
def test_a_white_pixel_never_leaves_the_range_it_was_scaled_to(image_bytes: MakeImage, top: int) -> None:
    feature = ImageFeature(name="image", shape=(1, 1), range=(0, top), decoding=ImageDecoding(scale=top / 255))
    png = image_bytes(np.array([[255]], np.uint8))
    assert decode_instances([{"b64": b64encode(png).decode()}], (feature,))["image"].tolist() == [[[top]]]


def test_scale_and_offset_take_pixels_to_units(image_bytes: MakeImage) -> None:
    feature = GREY.model_copy(update={"decoding": ImageDecoding(scale=2 / 255, offset=-1)})
    assert decode_image(image_bytes(CHECKS), feature, "").tolist() == [[-1, 1], [1, -1]]


@pytest.mark.parametrize("mode", ["1", "P", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("feature", [GREY, COLOUR], ids=["grey", "colour"])
def test_every_kind_of_png_is_read_as_the_8_bit_picture_it_shows(
    image_bytes: MakeImage, feature: ImageFeature, mode: str
) -> None:
    row = decode_image(image_bytes(Image.fromarray(CHECKS).convert(mode)), feature, "")
    assert row.reshape(4, -1)[:, 0].tolist() == [0, 255, 255, 0]


@pytest.mark.parametrize("feature", [GREY, COLOUR], ids=["grey", "colour"])
def test_16_bit_grey_keeps_its_high_byte(image_bytes: MakeImage, feature: ImageFeature) -> None:
    deep = np.array([[0, 256], [32768, 65535]], np.uint16)
    assert decode_image(image_bytes(deep), feature, "").reshape(4, -1)[:, 0].tolist() == [0, 1, 128, 255]


@pytest.mark.parametrize("alpha", [0, 128, 255])
def test_alpha_is_dropped_as_tensorflow_and_keras_drop_it(image_bytes: MakeImage, alpha: int) -> None:
    transparent = np.dstack([RGB, np.full((2, 2), alpha, np.uint8)])
    assert decode_image(image_bytes(transparent), COLOUR, "").tolist() == RGB.tolist()


def test_a_palettes_alpha_is_dropped_without_a_warning(image_bytes: MakeImage) -> None:
    transparent = Image.fromarray(np.dstack([RGB, np.array([[0, 255], [128, 255]], np.uint8)]))
    assert decode_image(image_bytes(transparent.quantize()), COLOUR, "").tolist() == RGB.tolist()


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("kept", [0.0, 0.01, 0.1, 0.5, 0.8])
def test_a_truncated_image_is_undecodable(image_bytes: MakeImage, file_format: str, kept: float) -> None:
    whole = image_bytes(NOISE, file_format)
    with pytest.raises(UndecodableImage, match="not a whole PNG, JPEG or WebP image"):
        decode_image(whole[: int(len(whole) * kept)], GREY, "/instances/0")


@pytest.mark.parametrize("file_format", ["GIF", "BMP", "TIFF"])
def test_other_formats_are_undecodable(image_bytes: MakeImage, file_format: str) -> None:
    with pytest.raises(UndecodableImage):
        decode_image(image_bytes(NOISE, file_format), GREY, "")


@pytest.mark.parametrize("width", [MAX_PIXELS + 1, 100_000_000, 2**31 - 1])
def test_too_many_pixels_are_refused_by_the_header_alone(png_header: Callable[[int, int], bytes], width: int) -> None:
    with pytest.raises(PayloadTooLarge, match=f"an image of {width} x 1; at most") as refused:
        decode_image(png_header(width, 1), GREY, "/instances/0")
    assert refused.value.pointer == "/instances/0"


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP"])
@settings(max_examples=200, deadline=None)
@given(place=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_a_damaged_image_is_read_or_refused_and_nothing_else(
    image_bytes: MakeImage, file_format: str, place: int, byte: int
) -> None:
    damaged = bytearray(image_bytes(NOISE, file_format))
    damaged[place % len(damaged)] = byte
    try:
        row = decode_image(bytes(damaged), GREY, "")
    except InvalidInput:
        return
    assert row.shape == (2, 2)


def test_bytes_and_pixels_may_stand_in_one_request(image_bytes: MakeImage) -> None:
    png = {"b64": b64encode(image_bytes(CHECKS)).decode()}
    rows = decode_instances([png, CHECKS.tolist()], (GREY,))["image"]
    assert rows.tolist() == [CHECKS.tolist()] * 2


CORNER = np.zeros((16, 24), np.uint8)
CORNER[:8, :8] = 255


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize(
    ("orientation", "white"),
    [(1, (0, 0)), (2, (0, 1)), (3, (1, 1)), (4, (1, 0)), (5, (0, 0)), (6, (0, 1)), (7, (1, 1)), (8, (1, 0))],
)
def test_exif_orientation_turns_the_picture_upright(
    image_bytes: MakeImage, file_format: str, orientation: int, white: tuple[int, int]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    feature = ImageFeature.model_validate({"name": "image", "shape": (2, 2), "decoding": {"resample": "box"}})
    row = decode_image(image_bytes(Image.fromarray(CORNER), file_format, exif=exif, quality=100), feature, "")
    assert divmod(int(np.argmax(row)), 2) == white


def test_webp_is_read_without_loss_where_it_has_none(image_bytes: MakeImage) -> None:
    assert decode_image(image_bytes(RGB, "WEBP", lossless=True), COLOUR, "").tolist() == RGB.tolist()


def test_a_webps_alpha_is_dropped_like_any_other(image_bytes: MakeImage) -> None:
    transparent = np.dstack([RGB, np.full((2, 2), 128, np.uint8)])
    webp = image_bytes(transparent, "WEBP", lossless=True, exact=True)
    assert decode_image(webp, COLOUR, "").tolist() == RGB.tolist()


@pytest.mark.parametrize("side", [10_000, 16_384, 2**24])
def test_a_webp_of_too_many_pixels_is_refused_by_the_header_alone(side: int) -> None:
    head = b"VP8X" + (10).to_bytes(4, "little") + bytes(4) + (side - 1).to_bytes(3, "little") * 2
    riff = b"RIFF" + (4 + len(head)).to_bytes(4, "little") + b"WEBP" + head
    with pytest.raises(PayloadTooLarge, match=f"an image of {side} x {side}; at most"):
        decode_image(riff, GREY, "")


def with_sides(webp: bytes, width: int, height: int) -> bytes:
    """`webp` with other sides in its header (RFC 9649, 2.5 to 2.7): to write so many pixels takes seconds."""
    if webp[12:16] == b"VP8 ":
        sides, first, last = width.to_bytes(2, "little") + height.to_bytes(2, "little"), 26, 30
    elif webp[12:16] == b"VP8L":
        sides, first, last = (width - 1 | height - 1 << 14).to_bytes(4, "little"), 21, 25
    else:
        sides, first, last = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"), 24, 30
    return webp[:first] + sides + webp[last:]


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 80}, {"lossless": True, "exif": Image.Exif()}])
def test_a_webp_that_is_just_too_large_is_refused(image_bytes: MakeImage, options: dict[str, object]) -> None:
    webp = with_sides(image_bytes(Image.new("L", (64, 64)), "WEBP", method=0, **options), 7072, 7071)
    with pytest.raises(PayloadTooLarge, match="an image of 7072 x 7071; at most"):
        decode_image(webp, GREY, "")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_the_pixels_are_known_by_the_header(image_bytes: MakeImage, kind: str) -> None:
    assert pixels_of(image_bytes(NOISE[:3], kind)) == 3 * 16
    with pytest.raises(UndecodableImage):
        pixels_of(image_bytes(NOISE, kind)[:14])


def test_a_png_with_a_second_size_has_the_pixels_that_would_be_decoded(
    image_bytes: MakeImage, png_header: Callable[[int, int], bytes]
) -> None:
    head = slice(8, 33)
    small, large = image_bytes(NOISE[:1, :1]), png_header(7000, 7000)
    assert pixels_of(small[: head.stop] + large[head] + small[head.stop :]) == 7000 * 7000
