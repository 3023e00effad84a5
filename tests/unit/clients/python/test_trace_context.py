"""The traceparent header as the W3C's recommendation has it."""

import re

import pytest
from penstock_client.trace_context import child_of, new_traceparent

GIVEN = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_new_one_is_of_the_recommended_form_and_always_another() -> None:
    first, second = new_traceparent(), new_traceparent()
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", first)
    assert first[3:35] != second[3:35]


def test_a_child_keeps_the_trace_and_its_flags_and_has_a_span_of_its_own() -> None:
    child = child_of(GIVEN)
    assert (child[:36], child[-3:]) == (GIVEN[:36], "-01")
    assert len(child) == len(GIVEN)
    assert child != GIVEN


def test_a_later_version_is_carried_on_as_ours() -> None:
    assert child_of(f"01{GIVEN[2:]}").startswith(f"00{GIVEN[2:36]}")


@pytest.mark.parametrize("wrong", ["", GIVEN.upper(), GIVEN[:-3], f"ff{GIVEN[2:]}", f"00-{'0' * 32}-{'1' * 16}-01"])
def test_what_is_no_traceparent_is_wrong_use(wrong: str) -> None:
    with pytest.raises(ValueError, match="it must be as in 00-4bf9"):
        child_of(wrong)
