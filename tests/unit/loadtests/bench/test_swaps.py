"""What a bench of swaps makes of its rounds."""

import pytest

from loadtests.bench.swaps import Swap, growth_percent, p99_ratio, swaps_table


def rounds(*, late_share: float = 0.0) -> list[Swap]:
    """Ten; 1 ms before, 1.5 ms during, a megabyte more each from 100 on."""
    return [
        Swap(0.5, [0.001] * 100, [0.0015] * 50, failed=0, late_share=late_share, megabytes=100.0 + number)
        for number in range(10)
    ]


def test_memory_is_compared_with_that_after_the_fifth() -> None:
    assert growth_percent(rounds()) == pytest.approx(100 * (109 / 104 - 1))


def test_latency_during_the_swaps_is_compared_with_that_before() -> None:
    assert p99_ratio(rounds()) == pytest.approx([1.5])


def test_rounds_in_which_the_generator_fell_behind_are_left_out_and_counted() -> None:
    slow = Swap(0.5, [1.0] * 100, [9.0] * 50, failed=0, late_share=0.5, megabytes=110.0)
    assert p99_ratio([*rounds(), slow]) == pytest.approx([1.5])
    assert p99_ratio(rounds(late_share=0.5)) == []
    assert "| rounds left out, the generator late | 1 |" in swaps_table([*rounds(), slow])
    assert "| p99 before / during, ms | - / - |" in swaps_table(rounds(late_share=0.5))
