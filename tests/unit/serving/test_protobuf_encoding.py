from google.protobuf.wrappers_pb2 import StringValue, UInt64Value
from hypothesis import given
from hypothesis import strategies as st

from serving.protobuf_encoding import tagged, varint


@given(st.integers(0, 2**64 - 1))
def test_a_varint_is_read_as_the_number_it_was(number: int) -> None:
    assert UInt64Value.FromString(b"\x08" + varint(number)).value == number


@given(st.text())
def test_a_tagged_field_is_read_by_protobuf(text: str) -> None:
    assert StringValue.FromString(tagged(1 << 3 | 2, text.encode())).value == text
