"""Image bytes to one row of pixels, as the manifest's decoding says.

Pure: bytes in, array out. Training reads its images through this same function.
"""

from io import BytesIO

import numpy as np
from PIL import Image

from serving.contract.features import ImageFeature
from serving.contract.tensors import NUMPY_DTYPES, Array
from serving.errors import PayloadTooLarge, UndecodableImage

FORMATS = ("PNG", "JPEG")
MAX_PIXELS = 50_000_000
"""Above this an image is refused by its header alone: 50 megapixels are 150 MB once decoded to RGB."""

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
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            _check_size(image, pointer)
            converted = image.convert(decoding.mode)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        # Pillow says SyntaxError for a broken PNG chunk and OSError for a truncated file.
        raise UndecodableImage(
            f"{len(data)} bytes that are not a whole {' or '.join(FORMATS)} image", pointer=pointer
        ) from error
    if converted.size != (width, height):
        converted = converted.resize((width, height), _RESAMPLE[decoding.resample])
    return _scaled(np.asarray(converted), feature)


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
