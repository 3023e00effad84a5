"""What a call of b rows takes, learned from calls."""

from random import Random

import pytest

from serving.batching.cost_model import HALF_LIFE_SECONDS, BucketFacts, CostModel, buckets_of, fitted

FIXED, PER_ROW = 0.003, 0.0005


def taught(*calls: tuple[int, float], every_seconds: float = 0.01) -> CostModel:
    """A model that saw these calls (rows, seconds), the first of each size twice: the very first one never counts."""
    model = CostModel(buckets_of(64, ()))
    for number, (rows, seconds) in enumerate(calls):
        model.observe(rows, seconds, number * every_seconds)
    return model


def line(rows: int) -> float:
    return FIXED + PER_ROW * rows


def test_nothing_is_known_before_the_first_call() -> None:
    assert CostModel((1, 2)).seconds(1) is None
    assert CostModel((1, 2)).p95_seconds(1) is None


def test_a_line_is_learned_exactly_and_holds_between_the_sizes_seen() -> None:
    model = taught(*((rows, line(rows)) for rows in (1, 1, 4, 4, 30, 30, 64, 64)))
    assert [model.seconds(rows) for rows in (1, 3, 17, 50, 64)] == pytest.approx([line(n) for n in (1, 3, 17, 50, 64)])
    assert model.line is not None
    assert (model.line.fixed_seconds, model.line.row_seconds) == pytest.approx((FIXED, PER_ROW))


def test_one_spoilt_size_does_not_bend_the_line() -> None:
    calls = [(rows, line(rows) * (5 if rows == 8 else 1)) for rows in (1, 2, 4, 8, 16, 32, 64) for _ in range(4)]
    model = taught(*calls)
    assert model.line is not None
    assert model.line.row_seconds == pytest.approx(PER_ROW, rel=0.05)


def test_a_size_with_its_own_level_keeps_it() -> None:
    """What the line says of 64 rows counts less than what calls of 64 rows took."""
    calls = [(rows, line(rows) + (0.05 if rows == 64 else 0.0)) for rows in (1, 4, 16, 64) for _ in range(3)]
    assert taught(*calls).seconds(64) == pytest.approx(line(64) + 0.05)


def test_sizes_never_seen_are_predicted_with_care() -> None:
    alone = taught((2, 0.1), (2, 0.1))
    assert alone.seconds(1) == pytest.approx(0.1), "a smaller call may take as long"
    assert alone.seconds(20) == pytest.approx(1.0), "a larger one ten times as long"
    flat = taught((1, 0.1), (1, 0.1), (2, 0.1), (2, 0.1))
    assert (flat.seconds(64) or 0) > 1.0 / 4, "and no slope measured so near to 0 is believed that far"


def test_the_first_call_of_a_size_is_left_out_once_there_is_another() -> None:
    model = taught((4, 9.0), (4, 0.1))
    assert model.seconds(4) == pytest.approx(0.1)


def test_one_pause_of_the_machine_moves_little() -> None:
    model = taught(*[(4, 0.1)] * 100, (4, 100.0), *[(4, 0.1)] * 16)
    assert model.seconds(4) == pytest.approx(0.1, rel=0.05)


def test_how_sizes_compare_is_forgotten_with_the_half_life() -> None:
    """Calls of 64 rows come to take ten times those of 4 rows, not three times: half of it is believed after as many
    calls as two half-lives leave of the old ones.
    """
    model = CostModel((4, 64))
    for number in range(64):
        model.observe(4, 0.1, 0.001 * number)
        model.observe(64, 0.3, 0.001 * number)
    now = 2 * HALF_LIFE_SECONDS
    for number in range(17):
        model.observe(4, 0.1, now + 0.02 * number)
        model.observe(64, 1.0, now + 0.02 * number)
    ratio = (model.seconds(64) or 0) / (model.seconds(4) or 1)
    assert 5.0 < ratio < 8.0


def test_a_slowdown_is_known_within_a_dozen_calls_and_for_sizes_that_nobody_called() -> None:
    model = taught(*[(rows, line(rows)) for rows in (1, 8, 64) for _ in range(10)])
    assert not model.observe(8, line(8), 1.0), "as expected"
    news = [model.observe(8, 1.5 * line(8), 1.0) for _ in range(12)]
    assert any(news)
    assert model.slowdown == pytest.approx(1.45, rel=0.1)
    assert model.seconds(64) == pytest.approx(1.45 * line(64), rel=0.1)
    assert model.buckets[-1].mean_seconds == pytest.approx(model.seconds(64))
    for _ in range(24):
        model.observe(8, line(8), 1.0)
    assert model.seconds(64) == pytest.approx(line(64), rel=0.1), "and it is over without a call of 64"


def test_a_call_that_was_given_up_teaches_that_it_took_at_least_so_long() -> None:
    model = taught(*[(4, 0.1)] * 10)
    assert not model.outlasted(4, 0.05), "it was not to be expected yet"
    assert model.outlasted(4, 0.3)
    for _ in range(30):
        model.outlasted(4, 0.3)
    assert model.seconds(4) == pytest.approx(0.3, rel=0.1)
    assert not CostModel((4,)).outlasted(4, 1.0), "nothing was expected"


def test_sizes_between_two_known_ones_are_not_dearer_than_the_line_between_those() -> None:
    """A first call of 1 row that met a pause makes the line through all begin too high."""
    model = taught((1, 0.066), (1, 0.066), (2, 0.027), (2, 0.027), (64, 0.120), (64, 0.120))
    assert (model.seconds(16) or 1) < 0.027 + (0.120 - 0.027) / 62 * 14 + 1e-9


def test_a_size_not_called_for_long_is_forgotten() -> None:
    model = CostModel((1, 64))
    for number in range(4):
        model.observe(64, 0.5, float(number))
    for number in range(64):
        model.observe(1, 0.1, 10 * HALF_LIFE_SECONDS + number)
    assert [bucket.most_rows for bucket in model.buckets] == [1]


def test_years_pass_without_an_overflow() -> None:
    model = CostModel((1,))
    for year in range(5):
        for number in range(200):
            model.observe(1, 0.1 + year, year * 3e7 + number)
    assert model.seconds(1) == pytest.approx(4.1)


def test_p95_is_what_nineteen_of_twenty_calls_stay_under() -> None:
    random = Random(3)
    model, over = taught(*[(4, 0.05)] * 3), 0
    for number in range(4_000):
        seconds = random.lognormvariate(-3.0, 0.5)
        over += number >= 2_000 and seconds > (model.p95_seconds(4) or 0.0)
        model.observe(4, seconds, 1.0 + 0.01 * number)
    assert over / 2_000 == pytest.approx(0.05, abs=0.015)


def test_calls_of_one_size_vary_as_those_of_all() -> None:
    """Or a few odd calls of a size would make that size look worse than the others until they are forgotten."""
    calls = [(rows, line(rows) * (1.5 if number % 4 == 0 else 1.0)) for number in range(80) for rows in (1, 64)]
    model = taught(*calls)
    spreads = [(model.p95_seconds(rows) or 0) / (model.seconds(rows) or 1) for rows in (1, 8, 64)]
    assert spreads == pytest.approx([model.spread] * 3)
    assert model.spread > 1.2


def test_neither_part_of_the_line_is_negative() -> None:
    falling = [BucketFacts(size, size, seconds, seconds, 1) for size, seconds in ((1, 3.0), (2, 2.0), (4, 1.0))]
    steep = [BucketFacts(size, size, seconds, seconds, 1) for size, seconds in ((1, 0.1), (2, 1.0), (4, 9.0))]
    assert fitted(falling).row_seconds == 0.0
    assert fitted(steep).fixed_seconds >= 0.0


@pytest.mark.parametrize(
    ("most", "allowed", "ends"),
    [(64, (), (1, 2, 4, 8, 16, 32, 64)), (6, (), (1, 2, 4, 6)), (1, (), (1,)), (64, (1, 8, 64), (1, 8, 64))],
)
def test_buckets_are_the_allowed_sizes_or_powers_of_two(
    most: int, allowed: tuple[int, ...], ends: tuple[int, ...]
) -> None:
    assert buckets_of(most, allowed) == ends
