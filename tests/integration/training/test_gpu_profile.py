"""The profile gpu: what its SavedModel is made of, and that a gateway on a CPU serves it like any other."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from penstock_client import Client, Prediction
from PIL import Image

from serving.contract.features import ImageFeature
from serving.contract.manifest import Manifest, Tolerance, parse_manifest
from serving.contract.model_directory import VersionPaths, model_paths
from tests.processes import GatewayProcess, StartGateway, probe, trained

PROBE = Path(__file__).parent / "gpu_profile_probe.py"
SIZES = (1, 3, 8)


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> VersionPaths:
    models = tmp_path_factory.mktemp("gpu") / "models"
    to_gpu = ("--set", "export.profile=gpu", "--set", f"export.batch_rows={list(SIZES)}")
    trained("digits", "--models", str(models), "--set", "fit.epochs=3", *to_gpu)
    return model_paths(models, "digits").version(1)


@pytest.fixture(scope="module")
def manifest(version: VersionPaths) -> Manifest:
    return parse_manifest(version.manifest.read_bytes())


@pytest.fixture(scope="module")
def found(version: VersionPaths) -> dict[str, Any]:
    told: dict[str, Any] = probe(PROBE, str(version.root))
    return told


@pytest.fixture(scope="module")
def served(start_gateway_session: StartGateway, version: VersionPaths) -> GatewayProcess:
    return start_gateway_session("--models", str(version.root.parent.parent))


def expected(manifest: Manifest) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([golden.outputs["probabilities"] for golden in manifest.golden_examples], np.float64)


def test_manifest_states_profile_sizes_tolerance_and_8_bit_pixels(manifest: Manifest) -> None:
    assert (manifest.export.profile, manifest.export.allowed_batch_rows) == ("gpu", SIZES)
    assert manifest.export.tolerance == Tolerance(absolute=0.01, relative=0)
    assert {golden.tolerance for golden in manifest.golden_examples} == {manifest.export.tolerance}
    (image,) = manifest.features
    assert isinstance(image, ImageFeature)
    assert (image.dtype, image.range, image.decoding.scale) == ("uint8", None, 1.0)
    assert manifest.signatures["serving_default"].inputs[0].dtype == "uint8"
    assert manifest.signatures["serving_default"].outputs[0].dtype == "float32"
    assert manifest.sketches["image"].edges[-1] == 255


def test_only_the_serving_signature_is_compiled(found: dict[str, Any]) -> None:
    assert found["compiled"] == ["serve"]


def test_products_are_float16_and_the_answer_float32(found: dict[str, Any]) -> None:
    assert found["operations"] == {"MatMul": ["float16", "float32"], "Softmax": ["float32"]}


def test_both_signatures_answer_as_the_float32_network(found: dict[str, Any], manifest: Manifest) -> None:
    for signature in ("serving_default", "classify"):
        assert np.abs(np.array(found["answers"][signature]) - expected(manifest)).max() < 0.01


def test_every_allowed_size_is_warmed_and_no_other(found: dict[str, Any]) -> None:
    assert found["warmup"] == [["uint8", size, 8, 8] for size in SIZES]


def test_copy_in_half_precision_keeps_weights_and_the_layers_at_both_ends(found: dict[str, Any]) -> None:
    copied = found["copied"]
    assert sorted(copied["dtypes"]) == [
        ["BatchNormalization", "float16"],
        ["Conv2D", "float16"],
        ["Dense", "float16"],
        ["Dense", "float32"],
        ["Normalization", "float32"],
        ["TimeDistributed", "float16"],
    ]
    assert (copied["wrapped"], copied["kernels"], copied["answer"]) == ("float16", ["float32"], "float32")
    assert copied["nested head"] == ["float16", "float32", "float32"]
    assert 0 < copied["apart"] < 0.01
    assert (copied["original kept"], copied["original policy"]) == (True, ["float32"])


def test_version_further_from_float32_than_its_tolerance_is_refused(found: dict[str, Any]) -> None:
    assert found["refusal"].startswith("test row 2: the exported model answers")
    assert "0.02 apart, 0.01 + 0*|b| allowed; 1 of 4 rows differ" in found["refusal"]
    assert found["allowed"] == ""


def test_network_that_cannot_be_compiled_or_rebuilt_is_refused_with_the_reason(found: dict[str, Any]) -> None:
    assert found["uncompilable"].startswith("the exported model cannot be run: ")
    assert "unsupported operations" in found["uncompilable"]
    assert "which Untold untold does not allow" in found["untold"]


@pytest.mark.parametrize("rows", [1, 2, 4, 20])
def test_gateway_answers_any_number_of_rows_as_the_manifest_says(
    served: GatewayProcess, manifest: Manifest, rows: int
) -> None:
    goldens = [manifest.golden_examples[row % 4] for row in range(rows)]
    body = json.dumps({"instances": [golden.instance for golden in goldens]}).encode()
    status, answer, _ = served.post("/v1/models/digits:predict", body)
    assert (status, len(answer["predictions"])) == (200, rows)
    want = np.tile(expected(manifest), (5, 1))[:rows]
    assert np.abs(np.array(answer["predictions"]) - want).max() < 0.01


def test_picture_is_answered_as_its_pixels(served: GatewayProcess, manifest: Manifest, tmp_path: Path) -> None:
    pixels = np.array(manifest.golden_examples[0].instance, np.uint8)
    Image.fromarray(pixels).save(tmp_path / "digit.png")
    with Client(served.url) as client:
        from_file = client.predict("digits", tmp_path / "digit.png")
        from_pixels = client.predict("digits", pixels.tolist())
    assert type(from_file) is type(from_pixels) is Prediction
    from_file, from_pixels = (replace(each, request_id="", timing=None) for each in (from_file, from_pixels))
    assert from_file == from_pixels


@pytest.mark.parametrize(("pixel", "told"), [(256, "256"), (-1, "-1"), (0.5, "an integer")])
def test_what_is_no_pixel_is_refused(served: GatewayProcess, pixel: float, told: str) -> None:
    body = json.dumps({"instances": [[[pixel] * 8] * 8]}).encode()
    status, answer, _ = served.post("/v1/models/digits:predict", body)
    assert (status, told in answer["error"]) == (400, True)
