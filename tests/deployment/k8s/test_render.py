"""`penstock k8s render` prints every choice that fits, and says what is wrong with one that does not."""

import pytest

from serving.deployment.agreement import faults
from serving.deployment.choice import Choice as Asked
from serving.deployment.choice import layered
from serving.deployment.kustomize import evaluate
from serving.deployment.manifest_files import read_manifests
from tests.deployment.k8s.manifests import CHOICES, OVERLAYS, PAIRS, Choice, rendered


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_what_fits_together_agrees(choice: Choice) -> None:
    assert faults(rendered(choice)) == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_any_two_components_go_together(overlay: str) -> None:
    """In the order of the alphabet, as the document says; autoscalers exclude each other."""
    pairs = [pair for pair in PAIRS if pair.overlay == overlay]
    assert pairs
    wrong = {str(pair): found for pair in pairs if (found := faults(rendered(pair)))}
    assert wrong == {}


def test_autoscaling_where_there_are_no_model_servers_is_told() -> None:
    objects = evaluate(*layered(read_manifests(), Asked("local", ("autoscaling-hpa",))))
    (fault,) = (each for each in faults(objects) if "HorizontalPodAutoscaler" in each)
    assert fault == "HorizontalPodAutoscaler 'model-server' names the Deployment 'model-server', which is not there"
