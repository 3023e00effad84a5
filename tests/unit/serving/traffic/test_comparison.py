import numpy as np
import pytest

from serving.contract.manifest import Export, GoldenExample, Manifest, Tolerance
from serving.traffic.comparison import WITHOUT_MANIFEST, agree, tolerance_of
from tests.doubles import doubles_manifest

LOOSE = Tolerance(absolute=0.1, relative=0.0)


def floats(*values: float) -> "dict[str, np.ndarray[tuple[int], np.dtype[np.float32]]]":
    return {"value": np.array(values, np.float32)}


@pytest.mark.parametrize(
    ("mirrored", "answered", "is_same"),
    [
        (floats(1.0, 2.0), floats(1.05, 2.0), True),
        (floats(1.0, 2.0), floats(1.2, 2.0), False),
        (floats(np.nan), floats(np.nan), True),
        (floats(np.nan), floats(1.0), False),
        (floats(np.inf), floats(np.inf), True),
        (floats(np.inf), floats(-np.inf), False),
        (floats(1.0), floats(1.0, 1.0), False),
        (floats(1.0), {"score": np.ones(1, np.float32)}, False),
        ({"k": np.array([1, 2])}, {"k": np.array([1, 2])}, True),
        ({"k": np.array([1, 2])}, {"k": np.array([1, 3])}, False),
        ({"k": np.array([b"a"], object)}, {"k": np.array([b"a"], object)}, True),
        ({"k": np.array([b"a"], object)}, {"k": np.array([b"b"], object)}, False),
    ],
)
def test_answers_agree_within_the_tolerance(mirrored: object, answered: object, *, is_same: bool) -> None:
    assert agree(mirrored, answered, LOOSE) is is_same  # type: ignore[arg-type] # arrays of several kinds


def test_a_relative_tolerance_is_of_what_was_answered() -> None:
    relative = Tolerance(absolute=0.0, relative=0.5)
    assert agree(floats(1.5), floats(1.0), relative)
    assert not agree(floats(1.0), floats(2.1), relative)


def test_the_tolerance_is_the_loosest_golden_one_else_the_exports() -> None:
    golden = tuple(
        GoldenExample(instance={"x": 1.0}, outputs={}, tolerance=Tolerance(absolute=absolute, relative=0.0))
        for absolute in (0.1, 0.01)
    )
    stated: Manifest = doubles_manifest(golden_examples=golden)
    assert tolerance_of(stated) == LOOSE
    assert tolerance_of(doubles_manifest(export=Export(tolerance=LOOSE))) == LOOSE
    assert tolerance_of(None) == WITHOUT_MANIFEST
