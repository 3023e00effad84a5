"""What is refused before it is loaded: links that lead out, unsigned and changed versions, a second graph."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from serving.contract.model_directory import VersionPaths, model_paths
from serving.contract.signing import sign_manifest
from serving.errors import IntegrityError, InvalidSettings, PublishError, UnknownVersion
from serving.model_store.audit import read_audit
from serving.model_store.inspection import inspect_version
from serving.model_store.signed_version import sign_version
from serving.model_store.signing_keys import make_keys, read_signing_key, read_trusted_keys
from serving.model_store.trust import Trust, check_version
from serving.model_store.verify import verify_version

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
READ_FILE = b"\x12\x0e\x12\x0c\x0a\x0a\x12\x08ReadFile"
"""A SavedModel of one graph of one node."""


@pytest.fixture
def version(publish_one: Callable[[str], int], models: Path) -> VersionPaths:
    return model_paths(models, "digits").version(publish_one("digits"))


@pytest.fixture
def key(tmp_path: Path) -> Path:
    make_keys(tmp_path / "key.pem")
    return tmp_path / "key.pem"


@pytest.fixture
def trust(key: Path) -> Trust:
    return Trust(read_trusted_keys([Path(f"{key}.pub")]))


def sign(models: Path, key: Path) -> None:
    private = read_signing_key(key)
    sign_version(models, "digits", 1, lambda text: sign_manifest(text, private), by="test", now=NOON)


def test_a_published_version_may_be_loaded(models: Path, version: VersionPaths) -> None:
    assert version.root.is_dir()
    check_version(models, "digits", 1)


def test_an_operation_off_the_list_is_refused_unless_allowed(models: Path, version: VersionPaths) -> None:
    version.saved_model.write_bytes(READ_FILE)
    with pytest.raises(IntegrityError, match=r"not allowed: ReadFile \(not on the list\)"):
        check_version(models, "digits", 1)
    check_version(models, "digits", 1, Trust(allowed_operations=frozenset({"ReadFile"})))


@pytest.mark.parametrize("name", ["saved_model.pbtxt", "saved_model.cpb"])
def test_a_second_graph_beside_the_one_looked_at_is_refused(models: Path, version: VersionPaths, name: str) -> None:
    (version.root / name).write_text("")
    with pytest.raises(IntegrityError, match=f"{name} lies beside"):
        check_version(models, "digits", 1)


@pytest.mark.parametrize("target", ["/etc/hostname", "../../secret", "nowhere", "assets"])
def test_a_link_out_of_the_version_is_refused(models: Path, version: VersionPaths, target: str) -> None:
    (version.root / "assets").symlink_to(target)
    with pytest.raises(IntegrityError, match=r"assets is a link|a file of the version cannot be looked at") as refused:
        check_version(models, "digits", 1)
    assert str(models) not in str(refused.value)


def test_a_link_within_the_version_is_followed(models: Path, version: VersionPaths) -> None:
    (version.root / "again").symlink_to("variables")
    check_version(models, "digits", 1)


def test_a_signed_version_is_taken_and_its_history_says_so(
    models: Path, version: VersionPaths, key: Path, trust: Trust
) -> None:
    with pytest.raises(IntegrityError, match="not signed"):
        check_version(models, "digits", 1, trust)
    sign(models, key)
    check_version(models, "digits", 1, trust)
    assert verify_version(models, "digits", 1) == ()
    assert read_audit(models, "digits")[-1].action == "signed"
    inspected = inspect_version(models, "digits", 1, trust)
    assert inspected.findings == ()
    assert inspected.key_id in (trust.keys or {})
    assert version.signature.is_file()


@pytest.mark.parametrize("file", ["saved_model.pb", "variables/variables.index", "more"])
def test_a_signed_version_that_was_changed_is_refused(
    models: Path, version: VersionPaths, key: Path, trust: Trust, file: str
) -> None:
    sign(models, key)
    (version.root / file).write_bytes(b"other")
    with pytest.raises(IntegrityError, match=f"is not what was signed: {file}"):
        check_version(models, "digits", 1, trust)
    assert "untrusted" in {each.problem for each in inspect_version(models, "digits", 1, trust).findings}
    with pytest.raises(IntegrityError, match="is not signed"):
        sign(models, key)


def test_a_signature_of_another_version_is_none_of_this_one(
    models: Path, version: VersionPaths, key: Path, trust: Trust, publish_one: Callable[[str], int]
) -> None:
    sign(models, key)
    other = model_paths(models, "digits").version(publish_one("digits"))
    for name in ("manifest", "signature"):
        getattr(other, name).write_bytes(getattr(version, name).read_bytes())
    with pytest.raises(IntegrityError, match="not of this folder"):
        check_version(models, "digits", 2, trust)


def test_a_version_without_a_manifest_cannot_be_signed(models: Path, version: VersionPaths, trust: Trust) -> None:
    version.manifest.unlink()
    with pytest.raises(IntegrityError, match="no manifest, so that it cannot be signed"):
        check_version(models, "digits", 1, trust)


def test_signing_what_is_not_there(models: Path, key: Path) -> None:
    with pytest.raises(UnknownVersion):
        sign(models, key)


def test_a_key_is_for_its_owner_alone_and_never_written_over(key: Path) -> None:
    assert key.stat().st_mode & 0o777 == 0o600
    with pytest.raises(PublishError, match="is there already"):
        make_keys(key)
    Path(f"{key}.pub").unlink()
    before = key.read_bytes()
    with pytest.raises(PublishError, match="is there already"):
        make_keys(key)
    assert key.read_bytes() == before
    key.chmod(0o640)
    with pytest.raises(InvalidSettings, match="chmod 600"):
        read_signing_key(key)


def test_what_is_no_key_is_refused_by_its_files_name(key: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match=r"key\.pem: this is no public key"):
        read_trusted_keys([key])
    with pytest.raises(InvalidSettings, match=r"none: No such file"):
        read_trusted_keys([tmp_path / "none"])
    (tmp_path / "other").write_bytes(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    (tmp_path / "other").chmod(0o600)
    with pytest.raises(InvalidSettings, match=r"other: this is no private key"):
        read_signing_key(tmp_path / "other")
