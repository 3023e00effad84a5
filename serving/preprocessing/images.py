"""Image bytes to one row of pixels, as the manifest's decoding says.

Pure: bytes in, array out. Training reads its images through this same function.
"""

from io import BytesIO

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from serving.contract.features import ImageFeature
from serving.contract.tensors import NUMPY_DTYPES, Array
from serving.errors import PayloadTooLarge, UndecodableImage

MAX_PIXELS = 50_000_000
"""Above this an image is refused by its header alone: 50 megapixels are 150 MB once decoded to RGB."""

_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_RESAMPLE = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "box": Image.Resampling.BOX,
    "lanczos": Image.Resampling.LANCZOS,
}


def decode_image(data: bytes, feature: ImageFeature, pointer: str) -> Array:
    """One row of shape `feature.shape` and the feature's dtype.

    Raises UndecodableImage for anything Pillow cannot read whole as PNG or JPEG, PayloadTooLarge above MAX_PIXELS.
    """
    decoding = feature.decoding
    height, width = feature.shape[:2]
    try:
        with _opened(data) as image:
            _check_size(image, pointer)
            converted = _eight_bit(image).convert("L" if feature.is_grey else "RGB")
    except (OSError, SyntaxError, ValueError) as error:
        # Pillow says SyntaxError for a broken PNG chunk and OSError for a truncated file.
        raise UndecodableImage(f"{len(data)} bytes that are not a whole PNG or JPEG image", pointer=pointer) from error
    if converted.size != (width, height):
        converted = converted.resize((width, height), _RESAMPLE[decoding.resample])
    return _scaled(np.asarray(converted), feature)


def _opened(data: bytes) -> Image.Image:
    """Not `Image.open`: its own limit on pixels belongs to the whole process, and only warns where ours refuses."""
    return (PngImageFile if data.startswith(_PNG_MAGIC) else JpegImageFile)(BytesIO(data))


def _eight_bit(image: Image.Image) -> Image.Image:
    """What `convert` would clip or warn of: 16-bit grey keeps its high byte, a palette's alpha is opened first."""
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("RGBA") if image.mode == "P" and "transparency" in image.info else image


def _check_size(image: Image.Image, pointer: str) -> None:
    pixels = image.width * image.height
    if pixels > MAX_PIXELS:
        raise PayloadTooLarge(
            f"an image of {image.width} x {image.height}; at most {MAX_PIXELS} pixels are read", pointer=pointer
        )


def _scaled(pixels: Array, feature: ImageFeature) -> Array:
    decoding, dtype = feature.decoding, NUMPY_DTYPES[feature.dtype]
    row = pixels.reshape(feature.shape)
    if decoding.scale == 1.0 and decoding.offset == 0.0:
        return row.astype(dtype)
    return (row.astype(np.float32) * np.float32(decoding.scale) + np.float32(decoding.offset)).astype(dtype)
