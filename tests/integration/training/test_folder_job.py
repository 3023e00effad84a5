"""A job of one's own over a folder of pictures: trained by the command line, asked with the same files."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from serving.contract.manifest import Manifest, parse_manifest
from serving.contract.model_directory import model_paths
from serving.model_store.signing_keys import read_trusted_keys
from serving.model_store.trust import Trust, check_version
from tests.processes import GatewayProcess, StartGateway, penstock, trained

JOB = """
model = "marks"
description = "which mark a picture shows"
[data]
source = "folder"
path = "{folder}"
[split]
validation = 0.2
test = 0.2
seed = 1
[[features]]
name = "picture"
kind = "image"
shape = [6, 6, 3]
scale = "minmax"
range = [0.0, 1.0]
decoding = {{ scale = 0.00392156862745098 }}  # 1/255
[outputs]
task = "classification"
labels = ["blue", "green", "red"]
[network]
family = "mlp"
units = [8]
activation = "relu"
dropout = 0.0
[optimisation]
learning_rate = 0.01
[fit]
epochs = 30
batch_rows = 8
patience_epochs = 30
seed = 1
"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty pictures a colour, larger than the model's and with some noise, as PNG and JPEG."""
    root, random = tmp_path_factory.mktemp("pictures"), np.random.default_rng(1)
    for channel, label in enumerate(("red", "green", "blue")):
        (root / label).mkdir()
        for number in range(20):
            pixels = random.integers(0, 60, (12, 9, 3), np.uint8)
            pixels[..., channel] += 150
            Image.fromarray(pixels).save(root / label / f"{number}.{'png' if number % 2 else 'jpg'}")
    return root


@pytest.fixture(scope="module")
def models(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("folder_job")
    (folder / "marks.toml").write_text(JOB.format(folder=pictures))
    penstock("models", "keygen", str(folder / "key"))
    trained(str(folder / "marks.toml"), "--models", str(folder / "models"), "--sign-with", str(folder / "key"))
    return folder / "models"


@pytest.fixture(scope="module")
def manifest(models: Path) -> Manifest:
    return parse_manifest(model_paths(models, "marks").version(1).manifest.read_bytes())


@pytest.fixture(scope="module")
def served(models: Path, start_gateway_session: StartGateway) -> GatewayProcess:
    return start_gateway_session("--models", str(models))


def test_the_version_is_signed_by_the_key_that_training_was_given(models: Path) -> None:
    check_version(models, "marks", 1, Trust(read_trusted_keys([models.parent / "key.pub"])))


def test_colours_are_learned_from_files(manifest: Manifest) -> None:
    assert manifest.lineage.rows == {"train": 36, "validation": 12, "test": 12}
    assert manifest.metrics.test["accuracy"] == 1


def test_golden_examples_are_files_and_answered_as_keras_did(served: GatewayProcess, manifest: Manifest) -> None:
    instances = [golden.instance for golden in manifest.golden_examples]
    assert all(isinstance(instance, dict) and set(instance) == {"b64"} for instance in instances)
    status, answer, _ = served.post("/v1/models/marks:predict", json.dumps({"instances": instances}).encode())
    assert status == 200
    for golden, row in zip(manifest.golden_examples, answer["predictions"], strict=True):
        assert row == pytest.approx(golden.outputs["probabilities"], abs=golden.tolerance.absolute)


@pytest.mark.parametrize(("file", "content_type"), [("blue/1.png", "image/png"), ("blue/2.jpg", "image/jpeg")])
def test_file_as_the_body_and_as_base64_are_one(
    served: GatewayProcess, pictures: Path, file: str, content_type: str
) -> None:
    data = (pictures / file).read_bytes()
    body = json.dumps({"instances": [{"b64": base64.b64encode(data).decode()}]}).encode()
    (one,) = served.post("/v1/models/marks:predict", data, content_type)[1]["predictions"]
    (other,) = served.post("/v1/models/marks:predict", body)[1]["predictions"]
    assert one == pytest.approx(other, abs=1e-6)
    assert int(np.argmax(one)) == 0
