import json
import shlex
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from serving.catalog import CatalogView, ModelEntry, Servable
from serving.contract.manifest import GoldenExample, Manifest, Tolerance
from serving.model_store.label_following import Following, follow
from serving.welcome import example_command, welcome

URL = "http://127.0.0.1:8080"
GRPC = "127.0.0.1:8500"

ServableWith = Callable[..., Servable]


@pytest.fixture
def servable_with(manifest_with: Callable[..., Manifest]) -> ServableWith:
    """A version of `doubles` whose golden examples are the given instances."""

    def make(*instances: Any, version: int = 1) -> Servable:
        exact = Tolerance(absolute=0, relative=0)
        examples = tuple(GoldenExample(instance=value, outputs={}, tolerance=exact) for value in instances)
        return Servable("doubles", version, manifest_with(version=version, golden_examples=examples), {})

    return make


def view(servables: Mapping[int, Servable], **labels: int) -> CatalogView:
    return CatalogView({"doubles": ModelEntry({}, servables, labels, follow(labels, servables, Following()))})


@pytest.mark.parametrize(
    ("instance", "sent"),
    [
        ([0.0, 1.5, [2.0]], "[0,1.5,[2]]"),
        ({"note": "it's ü", "x": -3.0}, '{"note":"it\'s \\u00fc","x":-3}'),
        (True, "true"),
        ({"b64": "/w=="}, '{"b64":"/w=="}'),
    ],
)
def test_the_example_is_the_golden_one_shortened_and_quoted_for_a_shell(
    servable_with: ServableWith, instance: object, sent: str
) -> None:
    words = shlex.split(example_command(servable_with(instance, "another"), URL) or "")
    assert words == ["curl", "-s", f"{URL}/v1/models/doubles:predict", "-d", f'{{"instances":[{sent}]}}']
    assert json.loads(words[-1])["instances"] == [instance]


@pytest.mark.parametrize("manifest", [True, False])
def test_a_version_without_examples_has_no_command(servable_with: ServableWith, *, manifest: bool) -> None:
    servable = servable_with() if manifest else Servable("doubles", 1, None, {})
    assert example_command(servable, URL) is None


def test_the_example_is_the_answering_versions(servable_with: ServableWith) -> None:
    text = welcome(view({1: servable_with(10, version=1), 2: servable_with(20, version=2)}, stable=1), URL, GRPC)
    assert text.startswith(f"Penstock serves doubles (1, 2) at {URL}\n")
    assert "Ask doubles (version 1):\n  curl" in text
    assert "[20]" not in text


def test_a_label_on_a_version_that_is_not_live_shows_no_example(servable_with: ServableWith) -> None:
    assert "curl" not in welcome(view({1: servable_with(10)}, stable=7), URL, GRPC)


def test_without_models_it_still_says_where_things_are() -> None:
    text = welcome(CatalogView({}), URL, GRPC)
    assert f"Penstock serves no models yet at {URL}" in text
    assert f"{URL}/docs" in text
    assert f"{URL}/metrics" in text
