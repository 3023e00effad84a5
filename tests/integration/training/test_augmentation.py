"""Training images are varied, the same way for the same seed; nothing else is, least of all what is exported."""

from pathlib import Path
from typing import Any

import pytest

from tests.processes import probe

PROBE = Path(__file__).parent / "augmentation_probe.py"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    told: dict[str, Any] = probe(PROBE, str(tmp_path_factory.mktemp("exported")))
    return told


def random_or_moving(operations: list[str]) -> list[str]:
    return [name for name in operations if "Random" in name or "ProjectiveTransform" in name]


def test_exported_file_holds_no_augmentation_in_any_function(found: dict[str, Any]) -> None:
    assert {"StatelessRandomUniformV2", "StatelessRandomNormalV2", "ImageProjectiveTransformV3"} <= set(
        random_or_moving(found["drawn"])
    )
    assert "Conv2D" in found["exported"]
    assert random_or_moving(found["exported"]) == []


def test_rows_that_are_measured_are_untouched_bit_for_bit(found: dict[str, Any]) -> None:
    assert found["measured"] == {"grey": True, "colour": True, "number": True}


def test_same_seed_gives_the_same_batches(found: dict[str, Any]) -> None:
    assert found["same seed"]
    assert found["seeds differ"]


def test_each_epoch_varies_images_anew(found: dict[str, Any]) -> None:
    assert found["epochs differ"]


def test_batches_keep_shapes_types_numbers_and_targets(found: dict[str, Any]) -> None:
    assert found["inputs"] == {
        "grey": [[8, 8, 6], "float32"],
        "colour": [[8, 5, 7, 3], "float32"],
        "number": [[8], "float32"],
    }
    assert found["pairs"]


def test_empty_table_changes_nothing(found: dict[str, Any]) -> None:
    assert found["nothing asked"] == {"grey": True, "colour": True, "number": True}


def test_flips_mirror_about_half_of_the_images_exactly(found: dict[str, Any]) -> None:
    assert 10 <= found["mirrored"] <= 30
    assert found["mirrored"] + found["as they were"] == 40
    assert 10 <= found["upside down"] <= 30


def test_noise_is_a_share_of_the_range_and_stays_in_it(found: dict[str, Any]) -> None:
    assert found["noise"] == pytest.approx(1.6, rel=0.05)
    assert found["salt"] == pytest.approx(0.25, abs=0.05)
    assert found["pepper"] == pytest.approx(0.25, abs=0.05)
    assert found["salt is white"]
    assert found["limits"] == [0, 16]


def test_what_comes_from_outside_is_filled(found: dict[str, Any]) -> None:
    assert found["filled"] == pytest.approx(0, abs=1e-4)


def test_crop_takes_its_window_from_inside_the_image(found: dict[str, Any]) -> None:
    assert found["cropped away"] <= 16.001
