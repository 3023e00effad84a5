"""A small run of each task, told to the report: two classes of short texts and numbers, and a regression."""

from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np
import pytest

from serving.contract.features import CategoryFeature, Feature, NumberFeature, TextFeature
from serving.contract.manifest import Classification, Lineage, Manifest, Metrics, Regression
from serving.contract.tensors import Array
from training.report.facts import ReportFacts, Table
from training.sketches import sketch

HOSTILE = '</pre><script>alert("$x_1$")</script>'
ROWS = 6


def manifest(
    features: tuple[Feature, ...], outputs: Classification | Regression, metrics: Metrics, numbers: Mapping[str, Array]
) -> Manifest:
    return Manifest(
        model="mine",
        version=1,
        description=HOSTILE,
        features=features,
        outputs=outputs,
        signatures={},
        sketches=sketch(numbers),
        metrics=metrics,
        lineage=Lineage(source=HOSTILE, sha256="ab" * 32, rows={"train": 40, "test": ROWS}, seed=7),
        job_sha256="cd" * 32,
        frameworks={"keras": "3"},
        created_at=datetime(2026, 1, 2, tzinfo=UTC),
    )


@pytest.fixture(scope="session")
def class_facts() -> ReportFacts:
    """Every text in it is hostile. Row 3 is answered wrongly, and surely; row 1 wrongly, less surely."""
    columns: dict[str, Array] = {
        "message": np.array([HOSTILE.encode()] * ROWS, object),
        "town": np.array([b"Bonn", b"Bonn", b"Ulm", b"Bonn", b"Ulm", HOSTILE.encode()], object),
        "size": np.arange(ROWS, dtype=np.float32),
    }
    features = (
        TextFeature(name="message", description=HOSTILE),
        CategoryFeature(name="town"),
        NumberFeature(name="size"),
    )
    metrics = Metrics(test={"accuracy": 4 / 6, HOSTILE: 0.5}, baseline={"accuracy": 0.5})
    outputs = Classification(labels=("plain", HOSTILE))
    second = np.array([0.1, 0.6, 0.2, 0.05, 0.9, 0.8], np.float32)
    return ReportFacts(
        manifest=manifest(features, outputs, metrics, {"size": columns["size"]}),
        history={"loss": [2.0, 1.0], "val_loss": [2.1, 1.4], HOSTILE: [1.0, 2.0], "learning_rate": [0.1, 0.01]},
        best_epoch=2,
        inputs=columns,
        truth=np.array([0, 0, 0, 1, 1, 1]),
        answers=np.column_stack([1 - second, second]),
        network_text=HOSTILE,
        job_text=HOSTILE,
        category_counts={"town": {"Bonn": 3, HOSTILE: 1}},
        tables=(Table(f"Trials {HOSTILE}", ("trial", "score"), ((HOSTILE, "0.9"),)),),
    )


@pytest.fixture(scope="session")
def value_facts() -> ReportFacts:
    """Row 2 is missed by most."""
    columns: dict[str, Array] = {"size": np.arange(ROWS, dtype=np.float32)}
    outputs = Regression(target="price", unit="$")
    return ReportFacts(
        manifest=manifest(
            (NumberFeature(name="size"),), outputs, Metrics(test={"mae": 12_345.6}, baseline={"mae": 3.0}), columns
        ),
        history={"loss": [2.0], "val_loss": [2.1]},
        best_epoch=1,
        inputs=columns,
        truth=np.arange(ROWS, dtype=np.float32),
        answers=np.array([[0.5], [1.0], [9.0], [3.0], [4.5], [5.0]], np.float32),
        network_text="dense",
        job_text="model = 'mine'",
    )
