"""The OpenAPI document of a gateway with two small models, as it is committed: a change to it is a visible diff."""

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from serving.app import create_app
from serving.backends.in_memory import InMemoryBackend, zeros_of_shape
from serving.contract.features import CategoryFeature, ImageFeature, NumberFeature
from serving.contract.manifest import Classification, GoldenExample, Manifest, Regression, Tolerance
from serving.contract.tensors import Signature, TensorSpec
from serving.settings import Settings

SNAPSHOT = Path(__file__).parents[4] / "docs" / "openapi.json"
REFRESH = "make openapi"
EXACT = Tolerance(absolute=0, relative=0)
EXAMPLES = (TensorSpec("inputs", "string", ()),)
SHAPES = {
    "model": "shapes",
    "description": "which shape a 2x2 picture shows",
    "features": (ImageFeature(name="image", shape=(2, 2), range=(0, 16)),),
    "outputs": Classification(labels=("dot", "line")),
    "signatures": {
        "serving_default": Signature(
            (TensorSpec("image", "float32", (2, 2)),), (TensorSpec("probabilities", "float32", (2,)),)
        ),
        "classify": Signature(EXAMPLES, (TensorSpec("classes", "string", (2,)), TensorSpec("scores", "float32", (2,)))),
    },
    "golden_examples": (
        GoldenExample(instance=[[0, 16], [0, 3]], outputs={"probabilities": [0.25, 0.75]}, tolerance=EXACT),
    ),
}
WINE = {
    "model": "wine",
    "description": "what a bottle costs",
    "features": (
        NumberFeature(name="year", dtype="int64", unit="years AD", range=(1900, 2100)),
        CategoryFeature(name="colour", default="red", vocabulary=("red", "white")),
    ),
    "outputs": Regression(target="price", unit="EUR"),
    "signatures": {
        "serving_default": Signature(
            (TensorSpec("year", "int64", ()), TensorSpec("colour", "string", ())),
            (TensorSpec("value", "float32", (1,)),),
        ),
        "regress": Signature(EXAMPLES, (TensorSpec("outputs", "float32", ()),)),
    },
    "golden_examples": (
        GoldenExample(instance={"year": 2019, "colour": "white"}, outputs={"value": [12.5]}, tolerance=EXACT),
    ),
}


def document_of(models: Path) -> Any:
    async def made() -> Any:
        served: Any = {fields["model"]: {1: fields["signatures"]} for fields in (SHAPES, WINE)}
        backend = InMemoryBackend(served, zeros_of_shape(served))
        app = create_app(Settings(models=models), backend=backend)
        await backend.start(app.state.gateway.catalog.renew)
        return app.openapi()

    return asyncio.run(made())


def test_the_document_is_the_committed_one(
    tmp_path: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]
) -> None:
    for fields in (SHAPES, WINE):
        write_version(manifest_with(**fields))
    text = json.dumps(document_of(tmp_path / "models"), indent=1, sort_keys=True) + "\n"
    if os.environ.get("PENSTOCK_TEST_REFRESH") == "1":
        SNAPSHOT.write_text(text)
    same = SNAPSHOT.read_text().splitlines() == text.splitlines()
    assert same, f"the OpenAPI document has changed; look at the difference after: {REFRESH}"
