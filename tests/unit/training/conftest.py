"""A small job of each task, as a parsed TOML file would give it."""

from typing import Any

import pytest

from training.job import JobSpec, parse_job

Content = dict[str, Any]


@pytest.fixture
def content() -> Content:
    """A classification job of one image; each test has its own copy to spoil."""
    return {
        "model": "digits",
        "description": "which digit",
        "data": {"source": "bundled", "name": "digits"},
        "split": {"validation": 0.2, "test": 0.1, "seed": 7},
        "features": [
            {"name": "image", "kind": "image", "shape": [2, 2], "range": [0, 16], "decoding": {"scale": 0.5}},
        ],
        "outputs": {"task": "classification", "labels": ["a", "b", "c"]},
        "network": {"family": "mlp", "units": [8], "activation": "relu", "dropout": 0.1},
        "optimisation": {"learning_rate": 0.001},
        "fit": {"epochs": 5, "batch_rows": 4, "patience_epochs": 2, "seed": 1},
    }


@pytest.fixture
def regression_content(content: Content) -> Content:
    features = [
        {"name": "age", "kind": "number", "unit": "years", "range": [0, 120]},
        {"name": "bmi", "kind": "number"},
    ]
    return content | {
        "model": "diabetes",
        "features": features,
        "outputs": {"task": "regression", "target": "progression"},
    }


@pytest.fixture
def classification_job(content: Content) -> JobSpec:
    return parse_job(content, "digits.toml")


@pytest.fixture
def regression_job(regression_content: Content) -> JobSpec:
    return parse_job(regression_content, "diabetes.toml")
