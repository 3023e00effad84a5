"""Our evaluator and kubectl's own make the same objects of the same folders."""

from pathlib import Path

import pytest

from serving.deployment.choice import Choice as Asked
from serving.deployment.choice import layered
from serving.deployment.kustomize import evaluate
from serving.deployment.manifest_files import read_manifests
from tests.deployment.k8s.kubectl import absence, by_name, kustomized
from tests.deployment.k8s.manifests import CHOICES, PAIRS, Choice
from tests.unit.serving.deployment.small_tree import TREE

pytestmark = pytest.mark.skipif(bool(absence()), reason=absence())


@pytest.mark.parametrize("folder", ["base", "top"])
def test_every_field_that_is_known_means_the_same(folder: str, tmp_path: Path) -> None:
    assert by_name(evaluate(TREE, folder)) == by_name(kustomized(TREE, folder, tmp_path))


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_every_overlay_and_component_comes_to_the_same(choice: Choice, tmp_path: Path) -> None:
    asked = Asked(choice.overlay, choice.components)
    tree, folder = layered(read_manifests(), asked)
    assert by_name(evaluate(tree, folder)) == by_name(kustomized(tree, folder, tmp_path))


@pytest.mark.parametrize("choice", PAIRS[:: max(1, len(PAIRS) // 8)], ids=str)
def test_some_of_the_pairs_come_to_the_same(choice: Choice, tmp_path: Path) -> None:
    tree, folder = layered(read_manifests(), Asked(choice.overlay, choice.components))
    assert by_name(evaluate(tree, folder)) == by_name(kustomized(tree, folder, tmp_path))


def test_what_is_asked_beside_them_comes_to_the_same(tmp_path: Path) -> None:
    settings = {"PENSTOCK_DRAIN_SECONDS": "15", "PENSTOCK_CORS_ORIGINS": "https://a.example,https://b.example"}
    asked = Asked("gpu", ("monitoring",), ("digits",), settings, "shop", "9.9")
    tree, folder = layered(read_manifests(), asked)
    assert by_name(evaluate(tree, folder)) == by_name(kustomized(tree, folder, tmp_path))
