"""Histograms of the training split."""

import numpy as np

from training.sketches import BINS, sketch


def test_every_value_is_counted_once_the_greatest_included() -> None:
    histogram = sketch({"age": np.arange(100, dtype=np.float32)})["age"]
    assert sum(histogram.counts) == 100
    assert (histogram.edges[0], histogram.edges[-1]) == (0.0, 99.0)
    assert len(histogram.edges) == BINS + 1


def test_an_image_counts_its_pixels() -> None:
    histogram = sketch({"image": np.arange(30, dtype=np.float32).reshape(5, 2, 3)})["image"]
    assert sum(histogram.counts) == 30
