"""Bodies made to hurt: deep, endless, or claiming far more than they hold. Each is refused by its own limit, and the
gateway answers on.
"""

import struct
import zlib

import pytest

from tests.processes import GatewayProcess

JSON, NPY, FORM = "application/json", "application/x-npy", "multipart/form-data; boundary=b"
DEEP = b"[" * 900_000
DIGITS, DIABETES = "/v1/models/digits:predict", "/v1/models/diabetes:predict"
INFER = "/v2/models/digits/infer"
ONE_INPUT = b'{"inputs":[{"name":"image","datatype":"FP32","shape":%b,"data":%b}]}'
PART = b'--b\r\nContent-Disposition: form-data; name="age"\r\n\r\n%b\r\n'


def npy(descr: bytes, shape: bytes) -> bytes:
    header = b"{'descr':'%b','fortran_order':False,'shape':%b}\n" % (descr, shape)
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *more: bytes) -> bytes:
    """Black; its pixels are left out where nobody should get to them."""
    pixels = zlib.compress(b"\0" * (height * (width + 1))) if height < 1000 else b""
    size = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + size + b"".join(more) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("path", "body", "content_type", "status"),
    [
        (DIGITS, DEEP, JSON, 400),
        (DIGITS, b'{"instances":' + DEEP + b"]" * len(DEEP) + b"}", JSON, 400),
        (DIGITS, b'{"instances":' + b'{"a":' * 500_000 + b"1" + b"}" * 500_000 + b"}", JSON, 400),
        (DIGITS, b'{"inputs":' + DEEP + b"]" * len(DEEP) + b"}", JSON, 400),
        (INFER, DEEP, JSON, 400),
        (INFER, ONE_INPUT % (b"[1,8,8]", DEEP + b"]" * len(DEEP)), JSON, 400),
        ("/v1/models/digits:classify", b'{"examples":' + DEEP, JSON, 400),
        (DIABETES, DEEP + b"\n", "application/x-ndjson", 400),
        (DIABETES, b'{"instances":[{"age":' + b"1" * 1_000_000 + b"}]}", JSON, 400),
        (INFER, ONE_INPUT % (b"[1,8,8]", b"[" + b"9" * 1_000_000 + b"]"), JSON, 400),
        (DIABETES, b"age\n" + b"1" * 1_000_000 + b"\n", "text/csv", 400),
        (DIABETES, PART % (b"1" * 1_000_000) + b"--b--\r\n", FORM, 400),
        (DIGITS, npy(b"<f4", b"(1000000000000,8,8)"), NPY, 400),
        (DIGITS, npy(b"<f4", b"(-1,8,8)"), NPY, 400),
        (DIGITS, npy(b"<f4", b"(" + b"9" * 5000 + b",8,8)"), NPY, 400),
        (DIGITS, npy(b"<U1000000000", b"(1,)"), NPY, 400),
        (DIGITS, npy(b"|O", b"(1,)") + b"x" * 100, NPY, 400),
        (DIGITS, b"\x93NUMPY\x02\x00" + struct.pack("<I", 4_000_000_000), NPY, 400),
        (INFER, ONE_INPUT % (b"[1000000000000,8,8]", b"[1]"), JSON, 400),
        (INFER, ONE_INPUT % (b"[" + b"1," * 100_000 + b"1]", b"[1]"), JSON, 400),
        (DIABETES, (PART % b"1") * 1_001 + b"--b--\r\n", FORM, 413),
        (DIABETES, b"--b\r\n" + b"x: a\r\n" * 100_000 + (PART % b"1")[5:] + b"--b--\r\n", FORM, 400),
        (DIABETES, b"a" * 8_000_000, "text/csv", 413),
        (DIABETES, b'age\n"' + b"1\n" * 4_000_000, "text/csv", 413),
        (DIABETES, b'{"age":"' + b"a" * 8_000_000, "application/x-ndjson", 413),
        (DIABETES, b"\n" * 1_000_000, "application/x-ndjson", 400),
        (DIGITS, png(60_000, 60_000), "image/png", 413),
        (DIGITS, png(8, 8, chunk(b"zTXt", b"a\0\0" + zlib.compress(b"a" * 100_000_000))), "image/png", 400),
        (DIGITS, png(8, 8, chunk(b"iCCP", b"a\0\0" + zlib.compress(b"a" * 100_000_000))), "image/png", 400),
        (DIGITS, png(8, 8, chunk(b"acTL", struct.pack(">II", 100_000, 0))), "image/png", 200),
    ],
)
def test_a_body_made_to_hurt_is_refused_by_its_limit(
    gateway: GatewayProcess, path: str, body: bytes, content_type: str, status: int
) -> None:
    told, answer, _ = gateway.post(path, body, content_type)
    assert told == status, answer
    assert gateway.get("/livez") is not None


def test_of_two_keys_of_one_name_the_last_counts_in_every_parser(gateway: GatewayProcess) -> None:
    row = b"[" + b",".join([b"[0,0,0,0,0,0,0,0]"] * 8) + b"]"
    plain = gateway.post(DIGITS, b'{"instances":[%b]}' % row)[1]
    for body in (b'{"instances":[[1]],"instances":[%b]}' % row, b' {"instances":7, "instances" : [%b]}' % row):
        assert gateway.post(DIGITS, body)[1] == plain
