"""Reused layers: frozen, then fine-tuned; from a published version or from Keras; refused where they cannot be."""

from pathlib import Path
from typing import Any

import pytest

from tests.processes import probe

PROBE = Path(__file__).parent / "transfer_probe.py"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    told: dict[str, Any] = probe(PROBE, str(tmp_path_factory.mktemp("models")))
    return told


def test_frozen_layers_do_not_move(found: dict[str, Any]) -> None:
    assert found["frozen"]["changed"] == []


def test_fine_tuning_moves_every_layer_but_batch_normalisation(found: dict[str, Any]) -> None:
    assert found["all"]["changed"] == ["conv2d/kernel", "dense/kernel"]


def test_fine_tuning_moves_only_the_last_layers_asked_for(found: dict[str, Any]) -> None:
    assert found["last"]["changed"] == ["dense/kernel"]


def test_epochs_are_counted_across_the_phases_and_the_best_of_all_is_kept(found: dict[str, Any]) -> None:
    fit = found["all"]
    assert (fit["epochs"], fit["told"], fit["history"]) == (3, [1, 2, 3], 3)
    assert fit["kept the best"]
    assert fit["best is lowest"]


def test_application_takes_its_weights_from_a_file_and_8_bit_pixels(found: dict[str, Any]) -> None:
    application = found["application"]
    assert application["same from the file"]
    assert application["random otherwise"]
    assert application["white"] == [255.0]


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("unpublished", "network.backbone: absent has no version to reuse in "),
        ("no such version", "network.backbone: theirs has no version to reuse in "),
        ("none kept", "network.backbone: theirs version 2 keeps no Keras model; train it with keep_keras_model = true"),
        ("another shape", "network.backbone: theirs version 1 reads {'image': (None, 8, 8)}; the job's features are"),
        ("no application", "network.backbone.application: keras.applications has no MobileNetV9"),
        ("no weights", "network.backbone: MobileNetV2 with weights 'absent.h5': "),
    ],
)
def test_backbone_that_cannot_be_had_is_refused(found: dict[str, Any], case: str, told: str) -> None:
    assert found["refusals"][case].startswith(told)
