import argparse
from datetime import UTC, datetime
from pathlib import Path

import pytest

from serving.errors import InvalidSettings, PublishError
from serving.model_store.object_store.patience import Patience
from serving.model_store.publishing import publish
from serving.model_store.staging import staging
from serving.model_store.versions import list_versions
from tests.doubles import doubles_manifest
from training.pushing import Destination, add_push_argument, destination_of
from training.summary import Summary

NOON = datetime(2030, 1, 2, tzinfo=UTC)
IMPATIENT = Patience(0.0, print)


def run_of(version: int | None, promoted: str | None = None) -> Summary:
    manifest = doubles_manifest()
    return Summary(manifest.model, {}, 1, 1, manifest.metrics, version=version, promoted=promoted)


def pushed(destination: Destination, run: Summary) -> str:
    return destination.push(run, by="test", clock=lambda: NOON)


def test_a_published_version_and_its_label_are_in_the_store(tmp_path: Path) -> None:
    model = publish_and_name(tmp_path / "models")
    destination = Destination.prepared(str(tmp_path / "store"), tmp_path / "models", model, IMPATIENT)
    assert pushed(destination, run_of(1, "stable")).endswith(f"{model} 1 to {tmp_path}/store, stable -> 1")
    assert destination.store.model(model).labels == {"stable": 1}
    assert pushed(destination, run_of(None)) == ""


def test_a_number_taken_meanwhile_is_left_to_who_was_quicker(tmp_path: Path) -> None:
    model = publish_and_name(tmp_path / "models")
    destination = Destination.prepared(str(tmp_path / "store"), tmp_path / "models", model, IMPATIENT)
    destination.store.create(f"{model}/.claims/1", b"somebody else\n")
    assert pushed(destination, run_of(1, "stable")).endswith("stable -> 2")
    assert list_versions(tmp_path / "models", model) == (1, 2)


def test_a_push_that_fails_says_how_to_try_again(tmp_path: Path) -> None:
    model = publish_and_name(tmp_path / "models")
    destination = Destination.prepared(str(tmp_path / "store"), tmp_path / "models", model, IMPATIENT)
    (tmp_path / "store").write_text("no folder")
    with pytest.raises(PublishError, match=f"penstock push {tmp_path}/store {model} 1 --models {tmp_path}/models"):
        pushed(destination, run_of(1))


def test_a_store_that_is_away_after_the_work_is_waited_for(tmp_path: Path) -> None:
    model = publish_and_name(tmp_path / "models")
    told: list[str] = []
    patience = Patience(60.0, told.append, wait=lambda _: (tmp_path / "store").unlink())
    destination = Destination.prepared(str(tmp_path / "store"), tmp_path / "models", model, patience)
    (tmp_path / "store").write_text("no folder")
    assert pushed(destination, run_of(1)).endswith(f"{model} 1 to {tmp_path}/store")
    assert len(told) == 1
    assert list_versions(tmp_path / "models", model) == (1,)


def test_how_long_is_an_argument_and_ten_minutes_otherwise(tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=Path, default=tmp_path / "models")
    add_push_argument(parser)
    assert destination_of(parser.parse_args([]), "doubles") is None
    for more, seconds in (([], 600.0), (["--push-timeout", "5"], 5.0)):
        destination = destination_of(parser.parse_args(["--push", str(tmp_path / "store"), *more]), "doubles")
        assert destination
        assert destination.patience.timeout_seconds == seconds


def test_a_url_that_is_none_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings):
        Destination.prepared("s3://me:sesame@models", tmp_path, "digits", IMPATIENT)


def publish_and_name(models: Path) -> str:
    manifest = doubles_manifest()
    with staging(models, manifest.model) as staged:
        staged.saved_model.write_bytes(b"graph")
        publish(models, staged, manifest, by="test", reason="", now=NOON)
    return manifest.model
