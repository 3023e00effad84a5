from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.contract.model_directory import model_paths, version_number
from serving.errors import UnknownModel

MODELS = Path("/srv/models")


@pytest.mark.parametrize(
    "name", ["..", ".", "/", "a/../b", "", ".x", "a\0b", "a\n", "a" * 129, "a b", "-a", "a\\b", "é", "%2e%2e"]
)
def test_a_name_that_could_lead_elsewhere_is_no_model(name: str) -> None:
    with pytest.raises(UnknownModel, match="is not a model name"):
        model_paths(MODELS, name)


@settings(deadline=None)
@given(name=st.text(max_size=12))
def test_every_accepted_name_is_a_folder_right_below(name: str) -> None:
    try:
        root = model_paths(MODELS, name).root
    except UnknownModel:
        return
    assert root.resolve().parent == MODELS
    assert not root.name.startswith(".")


@pytest.mark.parametrize("name", ["digits", "_a", "a" * 128, "resnet-50.v2", "7"])
def test_plain_names_are_models(name: str) -> None:
    assert model_paths(MODELS, name).root == MODELS / name


def test_an_endless_name_is_not_repeated_in_full() -> None:
    with pytest.raises(UnknownModel) as refused:
        model_paths(MODELS, "/" * 100_000)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(("name", "version"), [("1", 1), ("10", 10), ("9" * 18, int("9" * 18))])
def test_a_positive_integer_written_plainly_is_a_version(name: str, version: int) -> None:
    assert version_number(name) == version


@pytest.mark.parametrize(
    "name",
    ["", "0", "01", "-1", "+1", "1.0", " 1", "1\n", "1_0", "0x1", "\u0661", "²", "1" * 19, ".staging-1", "latest"],
)
def test_any_other_folder_name_is_ignored(name: str) -> None:
    assert version_number(name) is None


def test_a_versions_parts_lie_where_tensorflow_serving_looks() -> None:
    version = model_paths(MODELS, "digits").version(3)
    assert version.saved_model == MODELS / "digits/3/saved_model.pb"
    assert version.manifest == MODELS / "digits/3/assets.extra/manifest.json"
    assert version.report == MODELS / "digits/3/assets.extra/report"
    assert version.warmup_records == MODELS / "digits/3/assets.extra/tf_serving_warmup_requests"
