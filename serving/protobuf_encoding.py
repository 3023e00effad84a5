"""Protobuf's encoding of single fields, for messages that are written byte by byte. Pure.

Source: protobuf.dev, "Encoding".
"""


def tagged(tag: int, content: bytes) -> bytes:
    """A field with its length. `tag`: the field's number << 3 | its wire type."""
    return bytes([tag]) + varint(len(content)) + content


def varint(value: int) -> bytes:
    """Of a number that is not negative: seven bits a byte, the lowest first."""
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)
