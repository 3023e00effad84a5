"""No name of a model, a label or a version leads the store out of the model directory, or a reader to another file."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.contract.model_directory import LABEL_NAME, MODEL_NAME
from serving.errors import PenstockError
from serving.model_store.audit import read_audit
from serving.model_store.labels import read_labels, set_label
from serving.model_store.object_store.wanted_files import name_fault
from serving.model_store.prune import prune_version
from serving.model_store.signed_version import sign_version
from serving.model_store.staging import staging
from serving.model_store.traffic import read_traffic
from serving.model_store.trust import check_version
from serving.model_store.verify import verify_model
from serving.model_store.versions import list_versions, read_manifest

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PARTS = [
    "..",
    ".",
    "/",
    "\\",
    "\0",
    "\n",
    "outside",
    "digits",
    "\u2024\u2024",
    "\uff0e\uff0e",
    "%2e%2e",
    "%2F",
    "~",
    "*",
    "",
]
HOSTILE = st.lists(st.sampled_from(PARTS) | st.text(max_size=4), min_size=1, max_size=6).map("".join)


def stage(models: Path, name: str) -> None:
    with staging(models, name):
        pass


USES: list[Callable[[Path, str], object]] = [
    list_versions,
    read_labels,
    read_traffic,
    read_audit,
    verify_model,
    stage,
    lambda models, name: read_manifest(models, name, 1),
    lambda models, name: check_version(models, name, 1),
    lambda models, name: set_label(models, name, "stable", 1, by="t", reason="", now=NOON),
    lambda models, name: prune_version(models, name, 1, by="t", reason="", now=NOON),
    lambda models, name: sign_version(models, name, 1, lambda text: text, by="t", now=NOON),
]


def refusal(use: Callable[[Path, str], object], models: Path, name: str) -> str:
    """What it says, empty where it is done."""
    try:
        use(models, name)
    except PenstockError as error:
        return str(error)
    return ""


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=HOSTILE)
def test_a_models_name_leads_nowhere_else(tmp_path: Path, publish_one: Callable[[str], int], name: str) -> None:
    models, outside = tmp_path / "models", tmp_path / "outside"
    if not outside.exists():
        publish_one("digits")
        (models / "digits").rename(outside)  # a whole model, one step beside the directory
        models.mkdir(exist_ok=True)
    before = tree(outside)
    for use in USES:
        told = refusal(use, models, name)
        assert str(models) not in told
        assert told or MODEL_NAME.fullmatch(name)
    assert tree(outside) == before
    assert {path.name for path in tmp_path.iterdir()} == {"models", "outside"}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(label=HOSTILE)
def test_a_label_is_a_name_in_a_file_and_never_a_path(
    tmp_path: Path, models: Path, publish_one: Callable[[str], int], label: str
) -> None:
    if not models.exists():
        publish_one("digits")
    before = {path.name for path in [*tmp_path.iterdir(), *models.iterdir(), *(models / "digits").iterdir()]}
    try:
        set_label(models, "digits", label, 1, by="t", reason="", now=NOON)
    except PenstockError:
        pass
    else:
        assert LABEL_NAME.fullmatch(label)
    after = {path.name for path in [*tmp_path.iterdir(), *models.iterdir(), *(models / "digits").iterdir()]}
    assert after - before <= {"labels.json"}


@given(HOSTILE)
def test_a_files_name_in_a_store_stays_below_the_version(name: str) -> None:
    root = Path("/models/digits/1")
    if name_fault(name) is None:
        assert (root / name).is_relative_to(root)
        assert ".." not in (root / name).parts


@pytest.mark.parametrize("name", ["..", "../outside", "/etc", "a\0", "a/b", "\uff0e\uff0e", ".hidden"])
def test_the_worst_names_are_refused_by_every_use(models: Path, name: str) -> None:
    models.mkdir()
    for use in USES:
        with pytest.raises(PenstockError):
            use(models, name)
