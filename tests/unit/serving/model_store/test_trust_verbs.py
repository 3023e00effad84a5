"""`penstock models keygen`, `sign` and `verify` as a person uses them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from serving.errors import InvalidSettings
from serving.models_verb import run

READ_FILE = b"\x12\x0e\x12\x0c\x0a\x0a\x12\x08ReadFile"


@pytest.fixture
def key(tmp_path: Path) -> str:
    path = str(tmp_path / "release.pem")
    assert run(["keygen", path]) == 0
    return path


@pytest.fixture
def one(models: Path, publish_one: Callable[[str], int]) -> Path:
    publish_one("digits")
    return models


def test_an_unsigned_version_is_a_finding_until_it_is_signed(
    one: Path, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    trusted = ["verify", "--models", str(one), "--trusted-key", f"{key}.pub"]
    assert run(trusted) == 1
    assert "untrusted" in capsys.readouterr().out
    assert run(["sign", "digits", "1", "--models", str(one), "--sign-with", key]) == 0
    assert run(trusted) == 0
    assert run(["verify", "--models", str(one), "--operations"]) == 0
    assert "digits version 1, signed by " in capsys.readouterr().out


def test_signing_without_a_key_says_how_to_name_one(one: Path) -> None:
    with pytest.raises(InvalidSettings, match="--sign-with KEY, or PENSTOCK_SIGNING_KEY"):
        run(["sign", "digits", "1", "--models", str(one)])


def test_operations_are_listed_and_those_not_allowed_are_findings(
    one: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (one / "digits/1/saved_model.pb").write_bytes(READ_FILE)
    assert run(["verify", "--json", "--models", str(one)]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["versions"] == [{"model": "digits", "version": 1, "key_id": None, "operations": {"ReadFile": 1}}]
    assert [each["problem"] for each in told["findings"]] == ["changed", "not allowed"]
    run(["verify", "--json", "--models", str(one), "--allow-operation", "ReadFile"])
    told = json.loads(capsys.readouterr().out)
    assert [each["problem"] for each in told["findings"]] == ["changed"]


def test_trust_of_a_promotion_is_for_offline_ones(one: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        run(["promote", "digits", "1", "--models", str(one), "--allow-operation", "ReadFile"])
    assert ended.value.code == 2
