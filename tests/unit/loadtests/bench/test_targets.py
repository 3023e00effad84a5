import pytest

from loadtests.bench.lineup import MODEL_CALL, OWN_SERVERS
from loadtests.bench.peers import peer_servers
from loadtests.bench.samples import Sample
from loadtests.bench.targets import (
    JSON_PEERS,
    TARGETS,
    Beyond,
    Figure,
    Measured,
    Ratio,
    Reported,
    RowsPerSecond,
    Target,
    figures,
)


def measured(*rates: float, p50_ms: float = 1.0, p99_ms: float = 2.0, rows: int = 1) -> Measured:
    """A row of turns of one second."""
    return Measured(tuple(Sample(int(rate), 1.0, 0.5, p50_ms, p99_ms) for rate in rates), rows)


def only(target: Target, rows: dict[str, Measured], **reported: list[float]) -> Figure:
    (figure,) = figures(rows, reported, [target])
    return figure


def test_a_ratio_is_the_median_of_the_turns_ratios() -> None:
    rows = {"a": measured(30, 20, 90), "b": measured(10, 20, 15)}
    figure = only(Target("a by b", Ratio("a", ("b",)), bound=3.0, moonshot=4.0), rows)
    assert (figure.value.median, figure.value.least, figure.value.most) == (3.0, 1.0, 6.0)
    assert figure.reached
    assert not figure.moonshot_reached


def test_the_quickest_of_several_is_what_counts() -> None:
    rows = {"a": measured(30), "slow": measured(1), "quick": measured(10)}
    figure = only(Target("", Ratio("a", ("slow", "quick", "absent")), bound=1.0), rows)
    assert (figure.value.median, figure.beside) == (3.0, "quick")


@pytest.mark.parametrize(("p99_ms", "reached"), [(2.0, True), (2.1, False)])
def test_a_ratio_at_a_higher_p99_is_not_reached_where_that_matters(p99_ms: float, reached: bool) -> None:  # noqa: FBT001
    rows = {"a": measured(30, p99_ms=p99_ms), "b": measured(10, p99_ms=2.0)}
    assert only(Target("", Ratio("a", ("b",), at_no_higher_p99=True), 2.0), rows).reached is reached
    assert only(Target("", Ratio("a", ("b",)), 2.0), rows).reached


def test_a_row_by_the_processors_clock_is_rated_by_it() -> None:
    by_processor = Measured(measured(30).samples, clock="processor")
    assert only(Target("", Ratio("a", ("b",)), 1.0), {"a": by_processor, "b": measured(30)}).value.median == 2.0


def test_what_others_took_from_the_core_is_not_in_the_processors_time() -> None:
    disturbed = Measured((Sample(30, 1.0, 0.25, 1.0, 2.0),))
    figure = only(Target("", Ratio("a", ("b",)), 1.0), {"a": disturbed, "b": measured(30)})
    assert figure.value.median == 1.0
    assert figure.by_processor is not None
    assert figure.by_processor.median == 2.0


def test_rows_a_second_count_every_row_of_a_request() -> None:
    assert only(Target("", RowsPerSecond("a"), 600), {"a": measured(10, rows=64)}).value.median == 640


def test_the_time_beyond_the_model_call_is_a_difference_of_medians_that_should_be_small() -> None:
    target = Target("", Beyond("whole", "call"), 0.3, 0.2, "ms", at_most=True)
    rows = {"whole": measured(1, p50_ms=0.35), "call": measured(1, p50_ms=0.1)}
    figure = only(target, rows)
    assert figure.value.median == pytest.approx(0.25)
    assert figure.reached
    assert not figure.moonshot_reached


def test_a_reported_figure_has_the_median_of_its_rounds() -> None:
    assert only(Target("", Reported("share"), 90), {}, share=[80, 95, 91]).reached
    assert not only(Target("", Reported("share"), 90), {}, share=[80, 85, 99]).reached


def test_what_was_not_measured_is_no_figure() -> None:
    assert figures({}) == []
    assert [figure.target.what for figure in figures({"json": measured(1)})] == []


def test_a_time_that_never_came_is_not_reached() -> None:
    assert not only(Target("", Reported("ms"), 10, at_most=True), {}, ms=[float("nan")]).reached


def test_every_row_that_a_target_names_is_in_the_lineup() -> None:
    rows = {row.name for server in (*OWN_SERVERS, *peer_servers()) for row in server.rows} | {MODEL_CALL}
    named = set(JSON_PEERS)
    for target in TARGETS:
        match target.figure:
            case Ratio(ours, beside):
                named |= {ours, *beside}
            case Beyond(ours, call):
                named |= {ours, call}
            case RowsPerSecond(ours):
                named.add(ours)
            case Reported():
                pass
    assert named <= rows


def test_every_moonshot_is_further_than_its_bound() -> None:
    for target in TARGETS:
        if target.moonshot is not None:
            assert target.holds(target.moonshot, target.bound), target.what
            assert not target.holds(target.bound, target.moonshot), target.what
