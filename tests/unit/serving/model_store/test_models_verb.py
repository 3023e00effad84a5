"""Here and not one folder up, for the fixtures that publish."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from serving.errors import BackendUnavailable, IntegrityError, PublishError, UnknownVersion
from serving.model_store.audit import read_audit
from serving.model_store.labels import read_labels, set_label
from serving.model_store.versions import list_versions
from serving.models_verb import run

NO_GATEWAY = ("--gateway", "http://127.0.0.1:1")
"""A port where nothing listens."""


@pytest.fixture
def two_versions(models: Path, publish_one: Callable[[str], int], noon: datetime) -> Path:
    publish_one("digits")
    publish_one("digits")
    set_label(models, "digits", "stable", 1, by="test", reason="", now=noon)
    return models


@pytest.fixture
def said(two_versions: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs the verb, which must succeed, and returns what it wrote."""

    def run_and_read(*arguments: str) -> str:
        assert run([*arguments, "--models", str(two_versions)]) == 0
        return capsys.readouterr().out

    return run_and_read


def test_list_aligns_versions_with_labels_times_and_metrics(said: Callable[..., str]) -> None:
    assert said("list").splitlines() == [
        "MODEL   VERSION  LABELS  PUBLISHED (UTC)      TASK        TEST METRICS",
        "digits  1*       stable  2030-01-02 12:00:00  regression  mae 41.5",
        "digits  2        -       2030-01-02 12:00:00  regression  mae 41.5",
        "",
        "* answers requests that name no version",
    ]


def test_list_as_json(said: Callable[..., str]) -> None:
    parsed: dict[str, Any] = json.loads(said("list", "digits", "--json"))
    first = parsed["versions"][0]
    assert (first["version"], first["labels"], first["answers"]) == (1, ["stable"], True)
    assert first["test_metrics"] == {"mae": 41.5}


def test_an_empty_model_directory_is_said_to_be_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list", "--models", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "no versions are published yet\n"


def test_show_tells_the_version_that_answers_and_the_history(said: Callable[..., str]) -> None:
    text = said("show", "digits")
    assert text.startswith("digits version 1 (stable, answers requests that name no version)\n")
    assert "age: number, float32 []" in text
    assert "baseline    mae 62" in text
    assert "stable: none -> 1" in text


def test_show_as_json_holds_the_manifest_and_the_history(said: Callable[..., str]) -> None:
    parsed: dict[str, Any] = json.loads(said("show", "digits", "2", "--json"))
    assert parsed["manifest"]["version"] == 2
    assert [entry["action"] for entry in parsed["history"]] == ["published", "published", "promoted"]


def test_show_of_a_version_that_is_not_there_names_the_others(two_versions: Path) -> None:
    with pytest.raises(UnknownVersion, match="no version 9 of 'digits'; there are: 1, 2"):
        run(["show", "digits", "9", "--models", str(two_versions)])


def test_promote_moves_stable_and_records_who_and_why(said: Callable[..., str], two_versions: Path) -> None:
    lines = said("promote", "digits", "2", "--offline", "--reason", "better").splitlines()
    assert [line.split(" ... ")[0] for line in lines[:-1]] == [
        "1/3 checksums",
        "2/3 golden examples",
        "3/3 label stable",
    ]
    assert lines[-1] == "stable of digits: 1 -> 2"
    last = [entry for entry in read_audit(two_versions, "digits") if not entry.step][-1]
    assert last.by.startswith("penstock models promote, ")
    assert last.reason == "better"
    assert said("promote", "digits", "2", "--offline").endswith("stable of digits: 2 already\n")


def test_promote_without_a_gateway_names_what_can_be_done_and_leaves_the_label(
    two_versions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BackendUnavailable, match="--offline"):
        run(["promote", "digits", "2", *NO_GATEWAY, "--models", str(two_versions)])
    assert capsys.readouterr().out == "stable of digits stays at 1\n"
    assert read_labels(two_versions, "digits") == {"stable": 1}


def test_promote_moves_the_label_it_is_given(said: Callable[..., str], two_versions: Path) -> None:
    said("promote", "digits", "2", "--label", "canary", "--offline")
    assert read_labels(two_versions, "digits") == {"stable": 1, "canary": 2}


def test_rollback_says_from_where_to_where(said: Callable[..., str]) -> None:
    said("promote", "digits", "2", "--offline")
    moved, *seen = said("rollback", "digits", *NO_GATEWAY).splitlines()
    assert moved == "stable of digits: 2 -> 1"
    assert seen
    assert seen[0].startswith("no gateway answers at")


def test_a_dry_run_of_prune_removes_nothing(
    said: Callable[..., str], two_versions: Path, publish_one: Callable[[str], int]
) -> None:
    publish_one("digits")
    assert said("prune", "digits", "--keep", "1", "--dry-run") == "would remove of digits: 2\n"
    assert list_versions(two_versions, "digits") == (1, 2, 3)
    assert said("prune", "digits", "--keep", "1") == "removed of digits: 2\n"
    assert list_versions(two_versions, "digits") == (1, 3)


def test_prune_removes_one_version_by_its_number(said: Callable[..., str], two_versions: Path) -> None:
    assert said("prune", "digits", "--version", "2") == "removed of digits: 2\n"
    with pytest.raises(PublishError, match="it is stable"):
        run(["prune", "digits", "--version", "1", "--models", str(two_versions)])


def test_verify_of_whole_versions_succeeds(said: Callable[..., str]) -> None:
    assert said("verify") == "2 versions verified: every file is as it was published\n"
    assert said("verify", "digits", "1") == "1 version verified: every file is as it was published\n"


@pytest.mark.parametrize("json_or_not", [[], ["--json"]])
def test_verify_of_a_damaged_version_exits_with_1_and_names_the_file(
    two_versions: Path, json_or_not: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (two_versions / "digits" / "2" / "saved_model.pb").write_bytes(b"")
    assert run(["verify", *json_or_not, "--models", str(two_versions)]) == 1
    assert "saved_model.pb" in capsys.readouterr().out


def test_verify_sees_a_model_whose_only_version_lost_its_graph(
    models: Path, publish_one: Callable[[str], int], capsys: pytest.CaptureFixture[str]
) -> None:
    publish_one("digits")
    (models / "digits" / "1" / "saved_model.pb").unlink()
    assert run(["verify", "--models", str(models)]) == 1
    assert "missing" in capsys.readouterr().out


def test_a_model_directory_that_is_not_there_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="name yours with --models DIR"):
        run(["list", "--models", str(tmp_path / "nowhere")])


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        ["promote", "digits"],
        ["promote", "digits", "2", "--wait", "0"],
        ["promote", "digits", "2", "--offline", "--gateway", "http://127.0.0.1:1"],
        ["show", "digits", "0"],
        ["show", "digits", "٣"],
        ["prune", "digits", "--keep", "0"],
        ["prune", "digits", "--keep", "1", "--version", "1"],
        ["prune", "digits", "--dry-run", "--version", "1"],
    ],
)
@pytest.mark.usefixtures("capsys")
def test_wrong_use_exits_with_2(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(wrong)
    assert caught.value.code == 2


def test_traffic_is_shown_set_part_by_part_and_cleared(said: Callable[..., str]) -> None:
    said("promote", "digits", "2", "--label", "canary", "--offline")
    assert said("traffic", "digits") == "traffic of digits: none\n"
    assert said("traffic", "digits", "stable=90", "canary=10") == "traffic of digits: none -> canary=10 stable=90\n"
    said("traffic", "digits", "--sticky-by", "X-User-Id")
    said("traffic", "digits", "--shadow", "canary=0.1")
    whole = "canary=10 stable=90 --sticky-by x-user-id --shadow canary=0.1"
    assert said("traffic", "digits") == f"traffic of digits: {whole}\n"
    assert said("traffic", "digits", "--clear") == f"traffic of digits: {whole} -> none\n"
    assert whole in said("show", "digits")


@pytest.mark.parametrize("wrong", ["stable", "stable=0", "stable=x", "--shadow=canary", "--shadow=canary=x"])
@pytest.mark.usefixtures("capsys")
def test_traffic_that_is_no_traffic_exits_with_2(wrong: str) -> None:
    with pytest.raises(SystemExit) as caught:
        run(["traffic", "digits", wrong])
    assert caught.value.code == 2
