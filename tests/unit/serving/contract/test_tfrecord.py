import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.contract.tfrecord import crc32c, read_tfrecords, tfrecord
from serving.errors import IntegrityError


def checksum_bit_by_bit(data: bytes) -> int:
    state = 0xFFFFFFFF
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = (state >> 1) ^ (0x82F63B78 if state & 1 else 0)
    return state ^ 0xFFFFFFFF


@pytest.mark.parametrize(
    ("data", "checksum"),
    [
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
        (b"123456789", 0xE3069283),
        (b"", 0),
    ],
)
def test_checksums_of_rfc_3720(data: bytes, checksum: int) -> None:
    assert crc32c(data) == checksum


@pytest.mark.parametrize("length", [2047, 2048, 2049, 2303, 2304, 5000, 270_001])
def test_long_data_has_the_checksum_that_its_bytes_have_one_by_one(length: int) -> None:
    data = bytes((31 * index + index // 256) % 256 for index in range(length))
    assert crc32c(data) == checksum_bit_by_bit(data)


@given(st.lists(st.binary(max_size=50), max_size=5))
def test_records_come_back(records: list[bytes]) -> None:
    assert list(read_tfrecords(b"".join(map(tfrecord, records)))) == records


def test_a_record_is_what_tensorflow_writes() -> None:
    assert tfrecord(b"abc").hex() == "0300000000000000b099490e" + b"abc".hex() + "6e57f121"


def test_a_file_cut_short_anywhere_is_refused() -> None:
    whole = tfrecord(b"first") + tfrecord(b"second")
    for length in range(len(tfrecord(b"first")) + 1, len(whole)):
        with pytest.raises(IntegrityError, match="record 2 is cut short"):
            list(read_tfrecords(whole[:length]))


@pytest.mark.parametrize(
    ("position", "reason"), [(0, "no TFRecord"), (9, "no TFRecord"), (12, "damaged"), (16, "damaged")]
)
def test_a_flipped_bit_is_found(position: int, reason: str) -> None:
    file = bytearray(tfrecord(b"abc"))
    file[position] ^= 1
    with pytest.raises(IntegrityError, match=reason):
        list(read_tfrecords(bytes(file)))


def test_what_came_before_a_damaged_record_is_read() -> None:
    records = read_tfrecords(tfrecord(b"good") + b"rubbish, and some more of it")
    assert next(records) == b"good"
    with pytest.raises(IntegrityError, match="record 2 is no TFRecord"):
        next(records)
