"""Drift from sampled requests to the figures of all workers."""

import numpy as np
import pytest

from serving.contract.manifest import Histogram
from serving.observability.drift_cells import LEAST_ROWS, FeatureDrift, read
from serving.observability.drift_watch import MOST_WAITING_BYTES, DriftWatch
from serving.observability.families import DRIFT, summed
from serving.observability.ledger import Ledger, private_ledger

EDGES = (0.0, 1.0, 2.0, 3.0, 4.0)
EVEN = Histogram(edges=EDGES, counts=(250, 250, 250, 250))
LIVE = [("digits", 1)]


def watching(*requests: list[float]) -> tuple[DriftWatch, Ledger]:
    """A watch that has counted these requests for version 1 of digits, and its ledger with the figures in it."""
    watch, ledger = DriftWatch(1_000), private_ledger()
    assert watch.watch("digits", 1, {"x": EVEN})
    for values in requests:
        watch.sampled("digits", 1, {"x": np.array(values, np.float32)})
    watch.outbox.start()
    watch.outbox.close()
    watch.publish(ledger.own, LIVE)
    return watch, ledger


def drift_of(*ledgers: Ledger) -> list[FeatureDrift]:
    return list(read(summed(records for ledger in ledgers for records in ledger.read())[DRIFT]))


def test_rows_like_the_training_split_show_no_drift_and_others_do() -> None:
    (same,) = drift_of(watching([0.5, 1.5, 2.5, 3.5] * 150)[1])
    (other,) = drift_of(watching([0.5] * 600)[1])
    assert (same.model, same.version, same.feature, same.rows) == ("digits", "1", "x", 600)
    assert same.psi == pytest.approx(0.0, abs=1e-3)
    assert other.psi is not None
    assert other.psi > 0.2


def test_of_few_rows_their_number_is_told_and_no_more() -> None:
    (few,) = drift_of(watching([0.5] * (LEAST_ROWS - 1))[1])
    assert (few.rows, few.psi) == (LEAST_ROWS - 1, None)


def test_over_workers_the_windows_are_one() -> None:
    one, other = watching([0.5, 1.5] * 150)[1], watching([2.5, 3.5] * 150)[1]
    (both,) = drift_of(one, other)
    assert both.rows == 600
    assert both.psi == pytest.approx(0.0, abs=1e-3)


def test_a_version_that_has_gone_shows_nothing_more() -> None:
    watch, ledger = watching([0.5] * 600)
    watch.publish(ledger.own, [])
    assert drift_of(ledger) == []


def test_what_comes_for_a_version_nobody_watches_is_nothing() -> None:
    watch = DriftWatch(1_000)
    watch.sampled("digits", 1, {"x": np.ones(3, np.float32)})
    watch.outbox.start()
    watch.outbox.close()
    assert watch.outbox.dropped == 0
    assert not watch.watch("words", 1, {})


def test_texts_that_are_held_beside_the_numbers_weigh_what_they_hold() -> None:
    watch = DriftWatch(1_000)
    watch.sampled("digits", 1, {"x": np.ones(1), "text": np.array([bytes(MOST_WAITING_BYTES)], object)})
    assert watch.outbox.dropped == 1
