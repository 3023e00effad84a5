from datetime import datetime
from pathlib import Path

import pytest

from serving.contract.model_directory import ModelPaths, model_paths
from serving.errors import IntegrityError
from serving.model_store.audit import AuditEntry, read_audit, record


@pytest.fixture
def paths(models: Path) -> ModelPaths:
    paths = model_paths(models, "digits")
    paths.root.mkdir(parents=True)
    return paths


def entry(version: int, at: datetime, reason: str = "") -> AuditEntry:
    return AuditEntry(at=at, action="published", model="digits", version=version, by="test", reason=reason)


def test_entries_come_back_in_order(models: Path, paths: ModelPaths, noon: datetime) -> None:
    entries = (entry(1, noon, "a line\nand \u2028 more"), entry(2, noon))
    for one in entries:
        record(paths, one)
    assert read_audit(models, "digits") == entries
    assert paths.audit.read_bytes().count(b"\n") == 2


def test_a_model_without_a_history_has_an_empty_one(models: Path) -> None:
    assert read_audit(models, "digits") == ()


def test_a_torn_last_line_is_left_out(models: Path, paths: ModelPaths, noon: datetime) -> None:
    record(paths, entry(1, noon))
    with paths.audit.open("ab") as file:
        file.write(b'{"at":"2030-')
    assert read_audit(models, "digits") == (entry(1, noon),)


def test_the_line_after_a_torn_one_is_whole(models: Path, paths: ModelPaths, noon: datetime) -> None:
    record(paths, entry(1, noon))
    with paths.audit.open("ab") as file:
        file.write(b'{"at":"2030-')
    record(paths, entry(2, noon))
    assert read_audit(models, "digits") == (entry(1, noon), entry(2, noon))


def test_a_damaged_line_within_is_named(models: Path, paths: ModelPaths, noon: datetime) -> None:
    record(paths, entry(1, noon))
    paths.audit.write_bytes(paths.audit.read_bytes() + b"{}\n")
    with pytest.raises(IntegrityError, match=r"^digits/audit\.jsonl: line 2: "):
        read_audit(models, "digits")
