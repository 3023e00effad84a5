"""Signatures go along into the store and out of it; a mirror takes nothing that may not be loaded."""

import functools
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from serving.contract.manifest import Manifest
from serving.contract.model_directory import model_paths
from serving.contract.signing import sign_manifest
from serving.errors import IntegrityError, PublishError
from serving.model_store.object_store.fetch import Fetched, Fetching, fetch_version
from serving.model_store.object_store.push import push_version
from serving.model_store.object_store.renumber import Publisher, push_renumbered
from serving.model_store.object_store.store import CLAIMS, ObjectStore
from serving.model_store.object_store.wanted_files import Limits
from serving.model_store.publishing import Sign, publish
from serving.model_store.signed_version import sign_version
from serving.model_store.signing_keys import make_keys, read_signing_key, read_trusted_keys
from serving.model_store.staging import staging
from serving.model_store.trust import Trust, check_version

NOON = datetime(2030, 1, 3, tzinfo=UTC)
READ_FILE = b"\x12\x0e\x12\x0c\x0a\x0a\x12\x08ReadFile"


@pytest.fixture
def sign(tmp_path: Path) -> Sign:
    make_keys(tmp_path / "key")
    return functools.partial(sign_manifest, key=read_signing_key(tmp_path / "key"))


@pytest.fixture
def trust(sign: Sign, tmp_path: Path) -> Trust:
    assert sign(b"")
    return Trust(read_trusted_keys([tmp_path / "key.pub"]))


@pytest.fixture
def publish_graph(models: Path, make_manifest: Callable[[str], Manifest]) -> Callable[[bytes], int]:
    def publish_next(graph: bytes) -> int:
        with staging(models, "digits") as staged:
            staged.saved_model.write_bytes(graph)
            return publish(models, staged, make_manifest("digits"), by="test", reason="", now=NOON)

    return publish_next


@pytest.fixture
def published(models: Path, publish_one: Callable[[str], int]) -> Path:
    """A model directory with one version."""
    publish_one("digits")
    return models


def fetched(store: ObjectStore, node: Path, trust: Trust, version: int = 1) -> Fetched:
    fetching = Fetching(store, node, Limits(), 2, threading.Event(), lambda: NOON, trust=trust)
    return fetch_version(fetching, "digits", version, store.files("digits", version))


def signed(models: Path, sign: Sign, version: int = 1) -> None:
    sign_version(models, "digits", version, sign, by="test", now=NOON)


def test_a_signed_version_is_signed_on_the_node_too(
    store: ObjectStore, published: Path, node: Path, sign: Sign, trust: Trust
) -> None:
    push_version(store, published, "digits", 1, concurrency=1)
    with pytest.raises(IntegrityError, match="not signed"):
        fetched(store, node, trust)
    assert not model_paths(node, "digits").version(1).root.exists()
    signed(published, sign)
    push_version(store, published, "digits", 1, concurrency=1)  # the signature alone is new
    assert fetched(store, node, trust).taken
    check_version(node, "digits", 1, trust)


def test_a_signature_is_kept_for_whoever_asks_for_it_later(
    store: ObjectStore, published: Path, node: Path, sign: Sign, trust: Trust
) -> None:
    signed(published, sign)
    push_version(store, published, "digits", 1, concurrency=1)
    fetched(store, node, Trust())
    check_version(node, "digits", 1, trust)


def test_a_graph_that_reads_files_never_appears_on_the_node(
    store: ObjectStore, models: Path, node: Path, publish_graph: Callable[[bytes], int]
) -> None:
    push_version(store, models, "digits", publish_graph(READ_FILE), concurrency=1)
    with pytest.raises(IntegrityError, match=r"ReadFile \(not on the list\)"):
        fetched(store, node, Trust())
    assert not model_paths(node, "digits").version(1).root.exists()
    assert fetched(store, node, Trust(allowed_operations=frozenset({"ReadFile"}))).taken


def test_a_signed_version_gets_another_number_only_by_its_key(
    store: ObjectStore, published: Path, node: Path, sign: Sign, trust: Trust
) -> None:
    store.create(f"digits/{CLAIMS}/1", b"somebody else's\n")
    signed(published, sign)
    with pytest.raises(PublishError, match="--sign-with KEY"):
        push_renumbered(store, published, "digits", 1, concurrency=1, publisher=Publisher("test", lambda: NOON))
    publisher = Publisher("test", lambda: NOON, sign)
    pushed = push_renumbered(store, published, "digits", 1, concurrency=1, publisher=publisher)
    assert fetched(store, node, trust, pushed.version).taken
    check_version(published, "digits", 1, trust)
    check_version(published, "digits", pushed.version, trust)
