"""A table trained from in pieces: what is published, and that it answers as its manifest says."""

import json
from pathlib import Path

import numpy as np
import pytest

from serving.contract.manifest import Manifest, parse_manifest
from serving.contract.model_directory import model_paths
from tests.processes import StartGateway, trained
from training.bench.memory import job_text, write_rows

FIVE_MEGABYTES = 5_000_000


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest, int]:
    folder = tmp_path_factory.mktemp("streamed")
    rows = write_rows(folder / "rows.csv", FIVE_MEGABYTES)
    (folder / "streamed.toml").write_text(job_text(folder / "rows.csv"))
    settings = ("fit.batch_rows=256", "data.sample_rows=1000")
    trained(
        str(folder / "streamed.toml"),
        "--models",
        str(folder / "models"),
        *(part for value in settings for part in ("--set", value)),
    )
    version = model_paths(folder / "models", "streamed").version(1)
    return folder / "models", parse_manifest(version.manifest.read_bytes()), rows


def test_manifest_counts_every_row_of_the_file(published: tuple[Path, Manifest, int]) -> None:
    _, manifest, rows = published
    assert sum(manifest.lineage.rows.values()) == rows
    assert manifest.lineage.source == "table rows.csv, streamed"
    assert sum(manifest.sketches["number_0"].counts) == 1000  # the sample's


def test_model_has_learned_what_the_label_follows_from(published: tuple[Path, Manifest, int]) -> None:
    metrics = published[1].metrics
    assert metrics.test["accuracy"] > metrics.baseline["accuracy"] + 0.2


def test_gateway_answers_the_golden_examples(
    published: tuple[Path, Manifest, int], start_gateway: StartGateway
) -> None:
    models, manifest, _ = published
    gateway = start_gateway("--models", str(models))
    body = json.dumps({"instances": [example.instance for example in manifest.golden_examples]}).encode()
    status, answer, _ = gateway.post("/v1/models/streamed:predict", body)
    assert status == 200, answer
    expected = [example.outputs["probabilities"] for example in manifest.golden_examples]
    np.testing.assert_allclose(answer["predictions"], np.array(expected), atol=1e-4)
