from itertools import count

import numpy as np
import pytest

from serving.observability.version_cells import LATENCY
from serving.traffic.canary_rule import (
    ALPHA,
    ENOUGH_REQUESTS,
    FIRST_LOOK_REQUESTS,
    STRUCK_POLLS,
    Outcome,
    Trial,
    homogeneity,
    judge,
    look_number,
    spent,
    stability_index,
)
from serving.traffic.figures import VersionFigures
from tests.unit.serving.traffic.versions_at_work import Manner, usual_latency, watch

TRIALS = 60


def twice_as_slow(rng: np.random.Generator, number: int) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return 3 * usual_latency(rng, number)


def unsure(rng: np.random.Generator, number: int) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return rng.beta(3, 3, number)


@pytest.mark.parametrize("errors", [0.0, 0.01, 0.3])
def test_versions_that_are_the_same_are_left_alone(errors: float) -> None:
    """Sixty trials of a hundred polls: were one false alarm in ten to be expected, one would be seen all but surely."""
    rng, manner = np.random.default_rng(6), Manner(errors=errors, refused=0.05)
    ended = [watch(rng, manner, usual=manner, share=0.3, polls=100).verdict for _ in range(TRIALS // 3)]
    assert {verdict.outcome for verdict in ended} == {Outcome.FINE}, [verdict.reason for verdict in ended]


@pytest.mark.parametrize(
    ("canary", "within", "reason"),
    [
        (Manner(errors=1.0), 60, "of its requests failed against"),
        (Manner(errors=0.1), 300, "of its requests failed against"),
        (Manner(refused=0.2), 200, "of its requests are refused against"),
        (Manner(latency=twice_as_slow), 400, "p95 "),
        (Manner(score=unsure), 300, r"scores \(probability\) are spread otherwise: stability index "),
        (Manner(classes=(0.3, 0.4, 0.05, 0.24, 0.01)), 600, "classes are answered otherwise: "),
    ],
)
def test_a_version_that_is_clearly_worse_is_found_soon(canary: Manner, within: int, reason: str) -> None:
    rng = np.random.default_rng(7)
    for _ in range(10):
        ended = watch(rng, canary)
        assert ended.verdict.outcome is Outcome.WORSE
        assert ended.requests <= within
        assert reason.replace("\\", "") in ended.verdict.reason


def test_a_version_that_goes_bad_late_is_found_as_soon() -> None:
    ended = watch(np.random.default_rng(8), Manner(errors=1.0), polls=400, late=300)
    assert ended.verdict.outcome is Outcome.WORSE
    assert ended.requests < 3500
    assert "lately" in ended.verdict.reason


@pytest.mark.parametrize("canary", [Manner(refused=0.5), Manner(score=unsure), Manner(classes=(0.0, 1.0))])
def test_what_may_be_the_callers_own_is_not_held_against_a_sticky_split(canary: Manner) -> None:
    ended = watch(np.random.default_rng(9), canary, polls=60, by_request=False)
    assert ended.verdict.outcome is Outcome.FINE


def test_a_difference_that_is_sure_and_small_is_no_reason() -> None:
    control = VersionFigures(requests=1e7, errors=1e4)
    assert judge(control, VersionFigures(requests=1e7, errors=2e4), ALPHA, by_request=True).outcome is not Outcome.WORSE
    assert judge(control, VersionFigures(requests=1e7, errors=4e4), ALPHA, by_request=True).outcome is Outcome.WORSE


def test_a_better_version_is_not_worse() -> None:
    rng, bad = np.random.default_rng(10), Manner(errors=0.3, latency=twice_as_slow)
    assert watch(rng, Manner(), usual=bad, polls=50).verdict.outcome is Outcome.FINE


def test_too_few_requests_say_nothing() -> None:
    few = FIRST_LOOK_REQUESTS - 1
    failing, fine = VersionFigures(requests=few, errors=few), VersionFigures(requests=1000)
    for control, trial in ((fine, failing), (VersionFigures(requests=few), VersionFigures(requests=1000, errors=1000))):
        assert judge(control, trial, ALPHA, by_request=True).outcome is Outcome.WATCHING


def test_latencies_are_compared_once_there_are_enough() -> None:
    fast = VersionFigures(requests=1000, latency=_all_in(1e-3, 1000))
    slow = VersionFigures(requests=ENOUGH_REQUESTS, latency=_all_in(1.0, ENOUGH_REQUESTS))
    fewer = VersionFigures(requests=ENOUGH_REQUESTS - 1, latency=_all_in(1.0, ENOUGH_REQUESTS - 1))
    assert judge(fast, slow, ALPHA, by_request=True).outcome is Outcome.WORSE
    assert judge(fast, fewer, ALPHA, by_request=True).outcome is Outcome.WATCHING


def _all_in(seconds: float, number: int) -> tuple[float, ...]:
    place = next(at for at, bound in enumerate(LATENCY) if bound >= seconds)
    return tuple(float(number) if at == place else 0.0 for at in range(len(LATENCY) + 1))


def test_what_all_looks_spend_is_what_there_is() -> None:
    looks = count(1)
    assert sum(spent(next(looks)) for _ in range(100_000)) == pytest.approx(1.0, abs=1e-4)


def test_looks_grow_rarer_with_the_requests() -> None:
    assert [look_number(n) for n in (0, 19, 20, 24, 25, 31, 32)] == [0, 0, 1, 1, 2, 2, 3]
    assert look_number(1e6) < 50


def test_a_verdict_of_worse_stands() -> None:
    trial = Trial(VersionFigures(), VersionFigures(), by_request=True)
    for struck in range(1, STRUCK_POLLS + 1):
        worse = trial.seen(VersionFigures(requests=1000), VersionFigures(requests=100 * struck, errors=100 * struck))
    assert worse.outcome is Outcome.WORSE
    assert trial.seen(VersionFigures(requests=9000), VersionFigures(requests=9000, errors=300)) is worse


def test_a_single_batch_that_failed_ends_no_trial() -> None:
    trial = Trial(VersionFigures(), VersionFigures(), by_request=True)
    for poll in range(1, 100):
        seen = trial.seen(VersionFigures(requests=900 * poll), VersionFigures(requests=100 * poll, errors=20))
        assert seen.outcome is not Outcome.WORSE


def test_classes_that_moved_a_little_for_sure_and_rare_ones_are_no_reason() -> None:
    usual = VersionFigures(1e6, latency=_all_in(1e-3, 1000), classes=(5e5, 4e5, 1e5))
    little = VersionFigures(1e6, latency=_all_in(1e-3, 1000), classes=(4.2e5, 4.8e5, 1e5))
    assert judge(usual, little, ALPHA, by_request=True).outcome is Outcome.FINE
    many = tuple([1.0] * 64)
    scattered = VersionFigures(ENOUGH_REQUESTS, classes=(60.0, *many[:-24], *[0.0] * 23))
    gathered = VersionFigures(ENOUGH_REQUESTS, classes=(60.0, *[0.0] * 23, *many[:-24]))
    assert judge(scattered, gathered, ALPHA, by_request=True).outcome is Outcome.FINE


def test_homogeneity_is_pearsons_statistic() -> None:
    assert homogeneity([(10, 20), (30, 60)]) == pytest.approx(0.0)
    assert homogeneity([(30, 10), (10, 30)]) == pytest.approx(20.0)  # four cells of 10^2 / 20


def test_the_stability_index_is_zero_for_equal_shares_and_symmetrical() -> None:
    assert stability_index([(10, 1000), (20, 2000)]) == pytest.approx(0.0, abs=1e-3)
    assert stability_index([(10, 90), (90, 10)]) == pytest.approx(stability_index([(90, 10), (10, 90)]))
    assert stability_index([(100, 0), (0, 100)]) > 5


@pytest.mark.parametrize("falls", [("control",), ("trial",), ("control", "trial"), ()])
def test_where_figures_begin_anew_a_failing_version_is_found_as_soon(falls: tuple[str, ...]) -> None:
    """Past the height, too, from which they fell."""
    trial = Trial(VersionFigures(), VersionFigures(requests=100), by_request=True)
    for poll in range(1, 20):
        trial.seen(VersionFigures(requests=100 * poll), VersionFigures(requests=100 + 10 * poll))
    control, tried = (0 if name in falls else height for name, height in (("control", 1900), ("trial", 290)))
    for poll in range(1, 10):
        failed = 50 * poll
        verdict = trial.seen(VersionFigures(requests=control + 1000 * poll), VersionFigures(tried + failed, failed))
    assert verdict.outcome is Outcome.WORSE


def test_what_no_more_is_counted_stays_what_the_other_is_compared_with() -> None:
    """A promotion's watch: the version before has had its requests; the gateway that is asked starts again."""
    control, trial = VersionFigures(requests=500), Trial(VersionFigures(), VersionFigures(), by_request=True)
    trial.seen(control, VersionFigures(requests=300))
    for poll in range(1, STRUCK_POLLS + 1):
        verdict = trial.seen(control, VersionFigures(requests=50 * poll, errors=50 * poll))
    assert verdict.outcome is Outcome.WORSE


def test_where_figures_begin_anew_nothing_is_counted_twice_or_below_zero() -> None:
    trial = Trial(VersionFigures(requests=1000), VersionFigures(requests=1000), by_request=True)
    for requests in (1200, 30, 900, 1100, 1500):
        verdict = trial.seen(VersionFigures(requests=requests), VersionFigures(requests=requests))
    assert verdict.outcome is not Outcome.WORSE
    assert "1500 requests against 1500" in verdict.reason
