"""The sliding window of counts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.contract.manifest import Histogram
from serving.observability.drift_window import MOST_BINS, MOST_FEATURES, SEGMENTS, DriftWindow, binned

QUARTERS = Histogram(edges=(0.0, 1.0, 2.0, 3.0, 4.0), counts=(1, 1, 1, 1))


def test_values_fall_into_the_manifests_bins_and_those_beyond_into_the_outermost() -> None:
    values = np.array([0.0, 0.5, 1.0, 3.0, 4.0, -9.0, 99.0, np.nan], np.float32)
    assert binned(np.asarray(QUARTERS.edges), values).tolist() == [3, 1, 0, 3]


@settings(max_examples=25)
@given(st.lists(st.floats(0, 4), min_size=1, max_size=9))
def test_within_the_range_it_counts_as_the_training_split_was_counted(values: list[float]) -> None:
    edges = np.asarray(QUARTERS.edges)
    assert binned(edges, np.array(values)).tolist() == np.histogram(values, edges)[0].tolist()


def test_the_window_forgets_its_oldest_tenth() -> None:
    window = DriftWindow({"x": QUARTERS}, 100)
    for number in range(300):
        window.add([{"x": np.array([0.5 if number < 200 else 3.5], np.float32)}])
        assert window.rows <= 100
    assert window.counts("x") == [0, 0, 0, 100]
    window.add([{"x": np.array([1.5], np.float32)}])
    assert (window.rows, window.counts("x")) == (91, [0, 1, 0, 90])


def test_a_request_larger_than_the_window_is_the_window() -> None:
    window = DriftWindow({"x": QUARTERS}, 10)
    for _ in range(SEGMENTS + 1):
        window.add([{"x": np.full(50, 2.5)}])
    assert window.rows == 50 * SEGMENTS


def test_an_image_counts_its_pixels_and_a_row_once() -> None:
    window = DriftWindow({"image": QUARTERS}, 100)
    window.add([{"image": np.full((2, 3, 3), 1.5, np.float32)}])
    assert (window.rows, window.counts("image")) == (2, [0, 18, 0, 0])


def test_requests_are_counted_together_as_they_are_one_by_one() -> None:
    requests = [{"x": np.array(values, np.float32)} for values in ([0.5], [1.5, 2.5], [3.5])]
    together, alone = (DriftWindow({"x": QUARTERS}, 100) for _ in range(2))
    together.add(requests)
    for request in requests:
        alone.add([request])
    assert (together.rows, together.counts("x")) == (alone.rows, alone.counts("x")) == (4, [1, 1, 1, 1])


def test_what_has_no_order_or_did_not_come_is_not_counted() -> None:
    window = DriftWindow({"x": QUARTERS, "word": QUARTERS}, 100)
    window.add([{"word": np.array([b"a"], object)}])
    assert (window.rows, window.counts("x"), window.counts("word")) == (1, [0] * 4, [0] * 4)


@pytest.mark.parametrize(
    "sketch",
    [
        Histogram(edges=(), counts=()),
        Histogram(edges=(0.0, 1.0), counts=(5,)),
        Histogram(edges=(0.0, 1.0, 2.0), counts=(0, 0)),
        Histogram(edges=tuple(map(float, range(MOST_BINS + 2))), counts=(1,) * (MOST_BINS + 1)),
    ],
)
def test_a_sketch_that_says_nothing_is_not_watched(sketch: Histogram) -> None:
    assert DriftWindow({"x": sketch}, 100).features == ()


def test_no_more_features_are_watched_than_the_metrics_bear() -> None:
    sketches = {f"number_{number}": QUARTERS for number in range(MOST_FEATURES + 5)}
    assert len(DriftWindow(sketches, 100).features) == MOST_FEATURES
