from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from serving.model_store.labels import set_label
from serving.model_store.summary import summarise


def test_versions_come_with_labels_manifest_and_who_answers(
    models: Path, publish_one: Callable[[str], int], noon: datetime
) -> None:
    publish_one("digits")
    publish_one("digits")
    set_label(models, "digits", "stable", 1, by="test", reason="", now=noon)
    first, second = summarise(models, "digits")
    assert (first.labels, first.answers) == (("stable",), True)
    assert (second.labels, second.answers) == ((), False)
    assert second.manifest is not None
    assert second.manifest.version == 2


def test_a_damaged_manifest_hides_no_other_version(models: Path, publish_one: Callable[[str], int]) -> None:
    publish_one("digits")
    publish_one("digits")
    (models / "digits" / "1" / "assets.extra" / "manifest.json").write_text("{")
    first, second = summarise(models, "digits")
    assert first.problem.startswith("digits/1/assets.extra/manifest.json: ")
    assert second.manifest is not None
