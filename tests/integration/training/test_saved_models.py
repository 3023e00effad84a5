"""The exported SavedModels, as a model server loads them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving.contract.manifest import Classification, Manifest, parse_manifest
from serving.contract.model_directory import model_paths
from tests.processes import probe

PROBE = Path(__file__).parent / "saved_model_probe.py"


@dataclass(frozen=True, slots=True)
class Served:
    """A version's manifest, and what the probe found in its SavedModel."""

    manifest: Manifest
    found: dict[str, Any]


@pytest.fixture(scope="module", params=["digits", "diabetes"])
def served(trained_models: Path, request: pytest.FixtureRequest) -> Served:
    version = model_paths(trained_models, request.param).version(1)
    return Served(parse_manifest(version.manifest.read_bytes()), probe(PROBE, str(version.root)))


def test_golden_examples_are_answered_as_the_manifest_says(served: Served) -> None:
    assert len(served.manifest.golden_examples) == 4
    for row, golden in enumerate(served.manifest.golden_examples):
        for output, expected in golden.outputs.items():
            answer = served.found["serving_default"][output][row]
            tolerance = golden.tolerance
            assert np.allclose(answer, np.asarray(expected), atol=tolerance.absolute, rtol=tolerance.relative)


def test_signatures_are_those_of_the_manifest(served: Served) -> None:
    assert served.found["signatures"] == sorted(served.manifest.signatures)


def test_examples_are_answered_as_the_same_rows_by_name(served: Served) -> None:
    default = served.found["serving_default"]
    if isinstance(served.manifest.outputs, Classification):
        answer = served.found["examples"]["classify"]
        assert np.allclose(answer["scores"], default["probabilities"])
        assert answer["classes"] == [list(served.manifest.outputs.labels)] * 4
    else:
        assert np.allclose(served.found["examples"]["regress"]["outputs"], np.ravel(default["value"]))


def test_classes_are_answered_with_probabilities(served: Served) -> None:
    for answers in served.found["serving_default"].get("probabilities", []):
        assert sum(answers) == pytest.approx(1)


def test_warmup_records_are_answered_in_several_batch_sizes(served: Served) -> None:
    records = served.found["warmup"]
    assert {(record["model"], record["signature"]) for record in records} == {
        (served.manifest.model, "serving_default")
    }
    assert [record["rows"] for record in records] == [1, 8, 64]
