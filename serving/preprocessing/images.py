"""Image bytes to one row of pixels, as the manifest's decoding says.

Pure: bytes in, array out. Training reads its images through this same function.
"""

import math
import struct
from io import BytesIO

import numpy as np
from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from serving.contract.features import ImageFeature
from serving.contract.tensors import NUMPY_DTYPES, Array
from serving.errors import PayloadTooLarge, UndecodableImage

MAX_PIXELS = 50_000_000
"""Above this an image is refused by its header alone: 50 megapixels are 150 MB once decoded to RGB."""

_UNREADABLE = (OSError, SyntaxError, ValueError, KeyError, struct.error)
"""Pillow says SyntaxError for a broken PNG chunk and OSError for a truncated file, and EXIF data that was tampered with
comes up as whatever its reader trips over."""
_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_PNG_HEAD, _PNG_SIZE = slice(12, 16), struct.Struct(">II")
"""Where the first chunk's kind stands, and what it begins with: width and height (PNG specification, 11.2.1). Of two
such chunks Pillow takes the last one's size."""
_ORIENTATION = 0x0112
_RESAMPLE = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "box": Image.Resampling.BOX,
    "lanczos": Image.Resampling.LANCZOS,
}


def decode_image(data: bytes, feature: ImageFeature, pointer: str) -> Array:
    """One row of shape `feature.shape` and the feature's dtype.

    Raises UndecodableImage for anything Pillow cannot read whole as PNG, JPEG or WebP, and PayloadTooLarge above
    MAX_PIXELS. Alpha is dropped, not laid over a background: TensorFlow's and Keras's own readers do the same.
    """
    decoding = feature.decoding
    height, width = feature.shape[:2]
    try:
        if _is_webp(data):
            _check_size(*_webp_size(data), pointer)  # its reader sets room aside as soon as it is opened
        with _opened(data) as image:
            _check_size(image.width, image.height, pointer)
            converted = _eight_bit(_upright(image)).convert("L" if feature.is_grey else "RGB")
    except _UNREADABLE as error:
        raise _undecodable(data, pointer) from error
    if converted.size != (width, height):
        converted = converted.resize((width, height), _RESAMPLE[decoding.resample])
    return _scaled(np.asarray(converted), feature)


def pixels_of(data: bytes) -> int:
    """How many pixels an image has by its header, as it is before anything is decoded. Raises UndecodableImage."""
    try:
        if _is_webp(data):
            return math.prod(_webp_size(data))
        if data[_PNG_HEAD] == b"IHDR" and data.startswith(_PNG_MAGIC) and data.find(b"IHDR", _PNG_HEAD.stop) < 0:
            return math.prod(_PNG_SIZE.unpack_from(data, _PNG_HEAD.stop))
        with _opened(data) as image:
            return image.width * image.height
    except _UNREADABLE as error:
        raise _undecodable(data, "") from error


def _undecodable(data: bytes, pointer: str) -> UndecodableImage:
    return UndecodableImage(f"{len(data)} bytes that are not a whole PNG, JPEG or WebP image", pointer=pointer)


def _opened(data: bytes) -> Image.Image:
    """Not `Image.open`: its own limit on pixels belongs to the whole process, and only warns where ours refuses."""
    if data.startswith(_PNG_MAGIC):
        return PngImageFile(BytesIO(data))
    if _is_webp(data):
        return WebPImageFile(BytesIO(data))
    return JpegImageFile(BytesIO(data))


def _upright(image: Image.Image) -> Image.Image:
    """Turned as its EXIF orientation says: a telephone's picture is stored as the sensor lay."""
    return ImageOps.exif_transpose(image) if image.getexif().get(_ORIENTATION, 1) != 1 else image


def _eight_bit(image: Image.Image) -> Image.Image:
    """What `convert` would clip or warn of: 16-bit grey keeps its high byte, a palette's alpha is opened first."""
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("RGBA") if image.mode == "P" and "transparency" in image.info else image


def _is_webp(data: bytes) -> bool:
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height by the first chunk's header (RFC 9649); raises ValueError for another chunk."""
    kind, head = data[12:16], data[20:30].ljust(10, b"\0")
    if kind == b"VP8X":
        return int.from_bytes(head[4:7], "little") + 1, int.from_bytes(head[7:10], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(head[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        return int.from_bytes(head[6:8], "little") & 0x3FFF, int.from_bytes(head[8:10], "little") & 0x3FFF
    raise ValueError(kind)


def _check_size(width: int, height: int, pointer: str) -> None:
    if width * height > MAX_PIXELS:
        raise PayloadTooLarge(f"an image of {width} x {height}; at most {MAX_PIXELS} pixels are read", pointer=pointer)


def _scaled(pixels: Array, feature: ImageFeature) -> Array:
    decoding, dtype = feature.decoding, NUMPY_DTYPES[feature.dtype]
    row = pixels.reshape(feature.shape)
    if decoding.scale == 1.0 and decoding.offset == 0.0:
        return row.astype(dtype)
    return (row.astype(np.float32) * np.float32(decoding.scale) + np.float32(decoding.offset)).astype(dtype)
