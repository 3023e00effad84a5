"""W3C Trace Context, by the specification's own examples and its rules for what is wrong."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.observability.trace_context import TraceContext, read_context, says_no

EXAMPLE = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_the_specifications_example() -> None:
    found = read_context(EXAMPLE, b"rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")
    assert found == TraceContext(
        0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7, True, "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"
    )
    assert found.traceparent.encode() == EXAMPLE


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        b"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        b"00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
    ],
)
def test_what_is_wrong_begins_a_new_trace(wrong: bytes) -> None:
    assert read_context(wrong, None) is None


def test_of_a_later_version_the_first_fields_are_read() -> None:
    found = read_context(b"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03-what-comes", None)
    assert found is not None
    assert found.is_sampled


@pytest.mark.parametrize("state", [None, b"x" * 513, b"a=\x01", b"caf\xe9=1", b""])
def test_a_state_that_cannot_be_passed_on_is_left_out_and_the_trace_goes_on(state: bytes | None) -> None:
    found = read_context(EXAMPLE, state)
    assert found is not None
    assert found.tracestate == ""


@settings(max_examples=30)
@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.booleans())
def test_what_is_written_is_read_again(trace_id: int, span_id: int, sampled: bool) -> None:  # noqa: FBT001 - drawn
    context = TraceContext(trace_id, span_id, sampled)
    assert read_context(context.traceparent.encode(), None) == context


@pytest.mark.parametrize(
    ("given_", "plainly"),
    [
        (EXAMPLE[:-2] + b"00", True),
        (EXAMPLE, False),
        (EXAMPLE[:-2] + b"02", False),
        (b"01" + EXAMPLE[2:-2] + b"00", False),
        (EXAMPLE + b"-00", False),
        (b"00-00", False),
    ],
)
def test_most_that_are_not_kept_say_so_plainly(given_: bytes, plainly: bool) -> None:  # noqa: FBT001 - a column
    assert says_no(given_) == plainly


@settings(max_examples=30)
@given(st.binary(max_size=80))
def test_no_bytes_are_too_much(content: bytes) -> None:
    read_context(content, content)
