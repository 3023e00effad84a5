"""The families of networks, built and not fitted: parameter counts, layers, refusals."""

from pathlib import Path
from typing import Any

import pytest

from tests.processes import probe

PROBE = Path(__file__).parent / "families_probe.py"


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    told: dict[str, Any] = probe(PROBE)
    return told


@pytest.mark.parametrize(
    ("network", "parameters"),
    [
        ("dense", 48_522),  # 100-128-256-10
        ("functional", 55_050),  # 784-64-64-10
        ("convolutional", 167_141_409),  # 480x680x3; 16, 32, 64 filters of 3x3, each pooled 2x2; 512; 1
        ("lstm", 586_369),  # embedding 8000x64, both directions 64, dense 64, 1
        ("gru", 570_241),
        ("forward lstm", 8000 * 64 + 4 * 64 * (64 + 64 + 1) + 64 * 64 + 64 + 64 + 1),
        ("custom", 5 * 7 + 7 + 7 * 2 + 2),
    ],
)
def test_reference_architecture_has_its_exact_number_of_parameters(
    found: dict[str, Any], network: str, parameters: int
) -> None:
    assert found["parameters"][network] == parameters


def test_each_dense_layer_is_normalised_activated_and_dropped_out(found: dict[str, Any]) -> None:
    assert found["dense"] == ["Dense", "BatchNormalization", "Activation", "Dropout"] * 2 + ["Dense"]


def test_each_penalised_kernel_adds_to_the_loss(found: dict[str, Any]) -> None:
    assert found["penalties"] == 2


def test_grey_image_gets_a_channel_and_every_convolution_is_normalised(found: dict[str, Any]) -> None:
    convolution = ["Conv2D", "BatchNormalization", "Activation"]
    dense = ["Flatten", "Dense", "BatchNormalization", "Activation", "Dropout", "Dense"]
    assert found["grey"] == ["Reshape", *convolution, *convolution, "MaxPooling2D", *dense]


def test_padding_changes_no_answer(found: dict[str, Any]) -> None:
    assert found["padding"] == pytest.approx({"lstm": 0, "gru": 0, "forward lstm": 0}, abs=1e-6)


def test_numbers_join_what_was_read(found: dict[str, Any]) -> None:
    assert found["tokens and numbers"] == [None, 2 * 64 + 5]


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("cnn of numbers", "network.family: cnn needs an image among the features"),
        ("pooled away", "network.pooling: 2 times 2 needs images of at least 4x4, this one is 3x8"),
        (
            "recurrent of numbers",
            "network.family: recurrent reads sequences of token numbers; the features give float32",
        ),
        ("dense of tokens", "network.family: only recurrent reads sequences of token numbers"),
        ("no module", "network.function: absent_module:build: No module named 'absent_module'"),
        ("no function", "network.function: families_probe:absent: module 'families_probe' has no attribute"),
        ("no tensor", "network.function: families_probe:no_tensor must give one tensor [rows, values], gave 1"),
    ],
)
def test_what_a_family_cannot_read_is_refused(found: dict[str, Any], case: str, told: str) -> None:
    assert found["refusals"][case].startswith(told)
