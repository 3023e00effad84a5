"""How many batches are in flight: a hill climb in words of made-up latencies."""

from collections.abc import Callable

from serving.batching.depth import SETTLE_BATCHES, WINDOW_BATCHES, Depth


def climb(depth: Depth, latency: Callable[[int], float], windows: int, *, held_up: bool = True) -> list[int]:
    """K after each of so many windows, where a row's latency depends on K alone."""
    seen = []
    for _ in range(windows):
        for _ in range(WINDOW_BATCHES + SETTLE_BATCHES):
            depth.batch_done(latency(depth.slots) * 4, 4, held_up=held_up)
        seen.append(depth.slots)
    return seen


def test_the_climb_ends_where_the_latency_is_least() -> None:
    depth = Depth(1, 8)
    seen = climb(depth, lambda slots: abs(slots - 3) + 1.0, 40)
    assert seen.count(3) > 25
    assert "ms a row" in depth.reason


def test_the_climb_also_leads_down() -> None:
    assert climb(Depth(8, 8), lambda slots: 1.0 + slots, 60)[-1] <= 2


def test_a_gain_too_small_to_tell_is_none() -> None:
    seen = climb(Depth(2, 8), lambda slots: 1.0 - 0.01 * slots, 40)
    assert max(seen) == 3


def test_the_depth_stays_within_its_bounds() -> None:
    assert max(climb(Depth(2, 4), lambda slots: 1.0 / slots, 60)) == 4
    assert min(climb(Depth(2, 4), lambda slots: 1.0 * slots, 60)) == 1


def test_nothing_is_tried_while_slots_stand_free() -> None:
    assert set(climb(Depth(2, 8), lambda slots: 1.0 / slots, 40, held_up=False)) == {2}


def test_a_fixed_depth_stays() -> None:
    assert set(climb(Depth(3, None), lambda slots: 1.0 / slots, 40)) == {3}
    assert Depth(3, None).reason == "as set"
