import numpy as np
import pytest

from serving.batching.waiting import Answer, Receipt
from serving.catalog import Servable
from serving.contract.features import TensorFeature
from serving.contract.manifest import Classification, Manifest
from serving.contract.tensors import Array, Signature, TensorSpec
from serving.errors import BackendUnavailable, Cancelled, Overloaded, PenstockError, WrongShape
from serving.observability.families import summed
from serving.observability.ledger import Ledger, private_ledger
from serving.observability.version_cells import LATENCY, PROBABILITY, PROBABILITY_KIND, VALUE_KIND
from serving.traffic.figures import VersionFigures
from serving.traffic.tally import Tally, tally_of
from serving.traffic.watcher import version_figures
from tests.doubles import doubles_manifest

X = {"x": np.ones(1, np.float32)}


def classifier(width: int = 3) -> Servable:
    signature = Signature((TensorSpec("x", "float32", ()),), (TensorSpec("probabilities", "float32", (width,)),))
    labels = Classification(labels=tuple(f"class {n}" for n in range(width)))
    manifest: Manifest = doubles_manifest(
        outputs=labels, features=(TensorFeature(name="x", dtype="float32", shape=()),)
    )
    return Servable("digits", 3, manifest, {"serving_default": signature, "classify": signature})


def answer(row: "list[float]", seconds: float = 0.002, *, finite: bool = True) -> Answer:
    array: Array = np.array([row], np.float32)
    return Answer({"probabilities": array}, Receipt(seconds / 2, seconds / 2, 1), finite)


@pytest.fixture
def ledger() -> Ledger:
    return private_ledger()


@pytest.fixture
def tally(ledger: Ledger) -> Tally:
    return tally_of(ledger, classifier(), "serving_default", None)


def figures(ledger: Ledger) -> VersionFigures:
    return version_figures(summed(ledger.read()), "digits")[3]


def test_an_answer_counts_with_its_latency_and_its_highest_probability(ledger: Ledger, tally: Tally) -> None:
    tally.answered(X, answer([0.1, 0.62, 0.28]), 0.001)
    found = figures(ledger)
    assert (found.requests, found.errors, found.refused) == (1, 0, 0)
    seconds = found.latency_seconds(0.5)
    assert seconds is not None
    assert 0.003 <= seconds <= 0.003 * 1.26
    place = found.scores[PROBABILITY_KIND].index(1.0)
    assert PROBABILITY[place - 1] < 0.62 <= PROBABILITY[place]


@pytest.mark.parametrize(
    ("error", "counted"),
    [
        (BackendUnavailable("gone"), (1, 1, 0)),
        (Overloaded("full", retry_after_seconds=1.0), (1, 1, 0)),
        (WrongShape("two"), (1, 0, 1)),
        (Cancelled("went away"), (0, 0, 0)),
    ],
)
def test_failures_are_the_versions_refusals_the_inputs(
    ledger: Ledger, tally: Tally, error: PenstockError, counted: tuple[int, int, int]
) -> None:
    tally.failed(error)
    found = version_figures(summed(ledger.read()), "digits")[3]
    assert [found.requests, found.errors, found.refused] == list(counted)
    assert sum(found.latency) == 0


def test_a_score_that_is_no_number_has_a_bin_of_its_own(ledger: Ledger, tally: Tally) -> None:
    tally.answered(X, answer([0.2, float("nan"), 0.3], finite=False), 0.0)
    tally.answered(X, answer([0.2, 0.5, 0.3], finite=False), 0.0)
    scores = figures(ledger).scores[PROBABILITY_KIND]
    assert (scores[-1], sum(scores)) == (1, 2)


def test_the_likeliest_class_is_counted(ledger: Ledger, tally: Tally) -> None:
    for row in ([0.1, 0.6, 0.3], [0.1, 0.6, 0.3], [0.5, 0.2, 0.3]):
        tally.answered(X, answer(row), 0.0)
    assert figures(ledger).classes[:4] == (1, 2, 0, 0)


def test_wide_outputs_are_scored_alike(ledger: Ledger) -> None:
    tally_of(ledger, classifier(1000), "serving_default", None).answered(X, answer([0.0] * 999 + [0.97]), 0.0)
    place = figures(ledger).scores[PROBABILITY_KIND].index(1.0)
    assert PROBABILITY[place - 1] < 0.97 <= PROBABILITY[place]
    assert figures(ledger).classes.index(1.0) == 999 % 64


def test_what_rounding_does_to_a_sure_answer_is_no_other_score(ledger: Ledger, tally: Tally) -> None:
    """The size of a batch changes the last bits of a sum, and nothing else of an answer."""
    assert np.diff(PROBABILITY).min() > 200 * np.spacing(np.float32(1))
    for ulps in range(4):
        tally.answered(X, answer([0.0, 1 - ulps * float(np.spacing(np.float32(0.99)))]), 0.0)
    assert 4.0 in figures(ledger).scores[PROBABILITY_KIND]


def test_other_signatures_count_and_score_nothing(ledger: Ledger) -> None:
    tally_of(ledger, classifier(), "classify", None).answered(X, answer([0.2, 0.5, 0.3]), 0.0)
    found = figures(ledger)
    assert (found.requests, found.scores) == (1, {})


@pytest.mark.parametrize(("row_shape", "scored"), [((), True), ((1,), True), ((2,), True), ((2, 2), False)])
def test_a_version_without_a_manifest_is_scored_by_its_only_output(
    ledger: Ledger, row_shape: tuple[int, ...], *, scored: bool
) -> None:
    signature = Signature((TensorSpec("x", "float32", ()),), (TensorSpec("probabilities", "float32", row_shape),))
    bare = Servable("digits", 3, None, {"serving_default": signature})
    given = Answer({"probabilities": np.full((1, *row_shape), 42.0, np.float32)}, Receipt(0, 0, 1), all_finite=True)
    tally_of(ledger, bare, "serving_default", None).answered(X, given, 0.0)
    assert (VALUE_KIND in figures(ledger).scores) is scored


def test_what_takes_longest_is_in_the_last_bin(ledger: Ledger, tally: Tally) -> None:
    tally.answered(X, answer([1.0, 0.0, 0.0], seconds=2 * LATENCY[-1]), 0.0)
    assert figures(ledger).latency[-1] == 1
