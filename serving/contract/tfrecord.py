"""TFRecord, the file of records that TensorFlow writes and TensorFlow Serving reads: bytes in, records out, and back.

Pure, numpy only: training writes warm-up records with it, the gateway reads them, and a recording is both. A record is
its length (8 bytes, little-endian), the length's checksum (4), the data, and the data's checksum (4)
(https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details). The checksum is CRC-32C (Castagnoli,
RFC 3720 appendix B.4), rotated and shifted so that a file of records inside a record does not look right by chance.
"""

import struct
from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from serving.errors import IntegrityError

_HEADER, _CHECKSUM = struct.Struct("<QI"), struct.Struct("<I")
_POLYNOMIAL = 0x82F63B78
_MASK = 0xA282EAD8
_SHORT_BYTES = 2048
"""Up to this a loop over the bytes is quicker than numpy, whose every step costs about a microsecond."""
_LANES, _MANY_LANES, _LONG_BYTES = 256, 4096, 1 << 18
"""Parts of the data that are read side by side: more of them for long data, where numpy's steps cost by the byte."""


def tfrecord(data: bytes) -> bytes:
    """`data` as one record; a file is records one after the other."""
    length = _CHECKSUM.pack(_masked(crc32c(len(data).to_bytes(8, "little"))))
    return b"".join((len(data).to_bytes(8, "little"), length, data, _CHECKSUM.pack(_masked(crc32c(data)))))


def read_tfrecords(file: bytes) -> Iterator[bytes]:
    """The data of each record. Raises IntegrityError for a file cut short or with a checksum that is not its data's."""
    position, number = 0, 0
    while position < len(file):
        number += 1
        start = position + _HEADER.size
        if start > len(file):
            raise IntegrityError(f"record {number} is cut short")
        length, length_checksum = _HEADER.unpack_from(file, position)
        if _masked(crc32c(file[position : position + 8])) != length_checksum:
            raise IntegrityError(f"record {number} is no TFRecord: the checksum of its length is wrong")
        if start + length + _CHECKSUM.size > len(file):
            raise IntegrityError(f"record {number} is cut short")
        data = file[start : start + length]
        if _masked(crc32c(data)) != _CHECKSUM.unpack_from(file, start + length)[0]:
            raise IntegrityError(f"record {number} is damaged: the checksum of its data is wrong")
        yield data
        position = start + length + _CHECKSUM.size


def crc32c(data: bytes) -> int:
    """CRC-32C of `data`."""
    if len(data) <= _SHORT_BYTES:
        return _advanced(0xFFFFFFFF, data) ^ 0xFFFFFFFF
    lanes = _MANY_LANES if len(data) >= _LONG_BYTES else _LANES
    whole = len(data) // lanes * lanes
    return _advanced(_of_lanes(data[:whole], lanes), data[whole:]) ^ 0xFFFFFFFF


def _masked(checksum: int) -> int:
    return ((checksum >> 15 | checksum << 17) + _MASK) & 0xFFFFFFFF


def _advanced(state: int, data: bytes) -> int:
    table = _table()
    for byte in data:
        state = table[(state ^ byte) & 0xFF] ^ (state >> 8)
    return state


def _of_lanes(data: bytes, lanes: int) -> int:
    """The state after `data`, of which `lanes` equal parts are read side by side, and then put together in pairs.

    A state is linear in the state before and in the bytes, so that the state after A and B is the state after B from
    zero, plus what the state after A becomes over as many zero bytes as B is long.
    """
    step = _step()
    columns = np.ascontiguousarray(np.frombuffer(data, np.uint8).reshape(lanes, -1).T)
    states: NDArray[np.uint32] = np.zeros(lanes, np.uint32)
    states[0] = 0xFFFFFFFF
    for column in columns:
        states = step[(states ^ column) & 0xFF] ^ (states >> 8)
    over = _zeros(len(columns))
    while len(states) > 1:
        states = _applied(over, states[0::2]) ^ states[1::2]
        over = _applied(over, over)
    return int(states[0])


def _zeros(count: int) -> NDArray[np.uint32]:
    """What `count` zero bytes make of a state: the image of each of its 32 bits."""
    result = np.uint32(1) << np.arange(32, dtype=np.uint32)
    power = _step()[result & 0xFF] ^ (result >> 8)
    while count:
        if count & 1:
            result = _applied(power, result)
        power = _applied(power, power)
        count >>= 1
    return result


def _applied(images: NDArray[np.uint32], states: NDArray[np.uint32]) -> NDArray[np.uint32]:
    bits = (states[:, None] >> np.arange(32, dtype=np.uint32)) & np.uint32(1)
    applied: NDArray[np.uint32] = np.bitwise_xor.reduce(bits * images, axis=1)
    return applied


@cache
def _table() -> tuple[int, ...]:
    """What each byte makes of a state of zero."""
    table = []
    for byte in range(256):
        state = byte
        for _ in range(8):
            state = (state >> 1) ^ (_POLYNOMIAL if state & 1 else 0)
        table.append(state)
    return tuple(table)


@cache
def _step() -> NDArray[np.uint32]:
    return np.array(_table(), np.uint32)
