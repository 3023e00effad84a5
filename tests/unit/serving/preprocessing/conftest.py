"""Images as callers send them."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from serving.contract.tensors import Array

MakeImage = Callable[..., bytes]


@pytest.fixture(scope="session")
def image_bytes() -> MakeImage:
    """Pixels (uint8 or uint16, or a Pillow image) as the bytes of a file; options go to Pillow's `save`."""

    def encode(pixels: Array | Image.Image, file_format: str = "PNG", **options: object) -> bytes:
        file = BytesIO()
        image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(np.asarray(pixels))
        image.save(file, file_format, **options)
        return file.getvalue()

    return encode


@pytest.fixture(scope="session")
def png_header() -> Callable[[int, int], bytes]:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    def claim(width: int, height: int) -> bytes:
        head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
        return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")

    return claim
