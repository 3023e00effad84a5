"""`penstock k8s render` prints every choice that fits, and says what is wrong with one that does not."""

import pytest

from serving.deployment.agreement import faults
from serving.deployment.choice import Choice as Asked
from serving.deployment.choice import layered
from serving.deployment.kustomize import evaluate
from serving.deployment.manifest_files import read_manifests
from tests.deployment.k8s.manifests import CHOICES, Choice, rendered


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_what_fits_together_agrees(choice: Choice) -> None:
    assert faults(rendered(choice)) == []


def test_autoscaling_where_there_are_no_model_servers_is_told() -> None:
    objects = evaluate(*layered(read_manifests(), Asked("local", ("autoscaling-hpa",))))
    (fault,) = (each for each in faults(objects) if "HorizontalPodAutoscaler" in each)
    assert fault == "HorizontalPodAutoscaler 'model-server' names the Deployment 'model-server', which is not there"
