"""The planner beside what a gateway did, as `penstock plan --rates ... --save` recorded it; the file says how."""

from pathlib import Path

import pytest

from loadtests.capacity import as_measured, predicted
from loadtests.measurement import CurvePoint, Measurement

RECORDED = Measurement.model_validate_json(Path("tests/data/capacity_dense.json").read_bytes())
WITHIN = 0.20


def test_three_rates_were_recorded() -> None:
    assert len({point.rate_per_second for point in RECORDED.curve}) == 3
    assert all(point.repetitions >= 5 for point in RECORDED.curve)


@pytest.mark.parametrize("point", RECORDED.curve, ids=lambda point: f"{point.rate_per_second:g}")
def test_latency_is_predicted_within_a_fifth_of_what_was_measured(point: CurvePoint) -> None:
    found = predicted(RECORDED, as_measured(RECORDED), point.rate_per_second)
    assert found.p50_seconds == pytest.approx(point.p50_seconds, rel=WITHIN)
    assert found.mean_seconds == pytest.approx(point.mean_seconds, rel=WITHIN)
    assert found.p99_seconds == pytest.approx(point.p99_seconds, rel=WITHIN)
