from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.contract.manifest import Manifest
from serving.errors import IntegrityError
from serving.model_store.object_store.wanted_files import (
    MANIFEST,
    Limits,
    ObjectFacts,
    fingerprint,
    name_fault,
    wanted_files,
)

DIGEST = "a" * 64
PARTS = st.sampled_from(["..", ".", "", "a", "variables", "é", "x" * 256, "a\\..\\b", "\x00", "\n", "~", "...", "/etc"])


def manifest(make_manifest: Any, *names: str, digest: str = DIGEST) -> Manifest:
    found: Manifest = make_manifest("digits").published(3, dict.fromkeys(names, digest), make_manifest("d").created_at)
    return found


def listed(*names: str, size: int = 10) -> dict[str, ObjectFacts]:
    return {name: ObjectFacts(size, "t") for name in names}


@settings(max_examples=60)
@given(st.one_of(st.text(max_size=60), st.lists(PARTS, max_size=40).map("/".join)))
def test_no_name_that_passes_leads_out_of_the_folder(name: str) -> None:
    if name_fault(name) is not None:
        return
    folder = Path("/models/digits/.staging-1")
    target = folder / name
    assert ".." not in target.parts
    assert target.is_relative_to(folder)
    assert target != folder
    assert "\\" not in name
    assert all(len(part.encode(errors="surrogatepass")) <= 255 for part in target.parts)
    assert len(name.encode(errors="surrogatepass")) <= 1024


@pytest.mark.parametrize(
    "name", ["saved_model.pb", "variables/variables.data-00000-of-00001", "assets/été.txt", ".hidden"]
)
def test_ordinary_names_pass(name: str) -> None:
    assert name_fault(name) is None


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../x", "a/../../x", "a//b", "a/", ".", "a\\b", "a\0b", "a/" * 40 + "b", "x" * 256, "é" * 128, ""],
)
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    assert name_fault(name)


def test_what_the_manifest_names_is_wanted_and_nothing_else(make_manifest: Any) -> None:
    stated = manifest(make_manifest, "saved_model.pb", "variables/a")
    wanted = wanted_files(stated, listed("saved_model.pb", "variables/a", MANIFEST, "junk"), Limits())
    assert [(file.name, file.size_bytes, file.sha256) for file in wanted] == [
        ("saved_model.pb", 10, DIGEST),
        ("variables/a", 10, DIGEST),
    ]


@pytest.mark.parametrize(
    ("names", "there", "limits", "says"),
    [
        (["saved_model.pb", "a"], ["saved_model.pb"], Limits(), "not in the store"),
        (["a"], ["a"], Limits(), "saved_model.pb"),
        (["saved_model.pb", "../a"], ["saved_model.pb", "../a"], Limits(), "'..'"),
        (["saved_model.pb", "a", "a/b"], ["saved_model.pb", "a", "a/b"], Limits(), "no file of its own"),
        (["saved_model.pb", "assets.extra"], ["saved_model.pb", "assets.extra"], Limits(), "no file of its own"),
        (["saved_model.pb", MANIFEST], ["saved_model.pb", MANIFEST], Limits(), "no file of its own"),
        (["saved_model.pb", "a"], ["saved_model.pb", "a"], Limits(files=1), "2 files"),
        (["saved_model.pb", "a"], ["saved_model.pb", "a"], Limits(total_bytes=19), "20 bytes"),
    ],
)
def test_a_version_that_is_not_taken(
    make_manifest: Any, names: list[str], there: list[str], limits: Limits, says: str
) -> None:
    with pytest.raises(IntegrityError, match=says):
        wanted_files(manifest(make_manifest, *names), listed(*there), limits)


def test_a_digest_that_is_none_is_refused(make_manifest: Any) -> None:
    stated = manifest(make_manifest, "saved_model.pb", digest="A" * 64)
    with pytest.raises(IntegrityError, match="no sha256"):
        wanted_files(stated, listed("saved_model.pb"), Limits())


def test_a_fingerprint_is_anothers_once_an_object_is() -> None:
    before = listed("a", "b")
    assert fingerprint(before) == fingerprint(dict(reversed(before.items())))
    assert fingerprint(before) != fingerprint({**before, "b": ObjectFacts(10, "u")})
