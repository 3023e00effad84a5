"""The console as a package: its own tests and lint, what it is built into, and where that comes from."""

import gzip
import json
import re

import pytest

from tests.integration.console.console_parts import FOLDER, PAGE, Theatre
from tests.processes import ROOT

LARGEST_KILOBYTES = 60.0
"""Of the page with all its files, packed as a server would send them."""


def test_its_own_tests_pass(theatre: Theatre) -> None:
    told = theatre.npm_run("test", "--silent")
    assert re.search(r"^# pass [1-9]\d+$", told, re.MULTILINE), told
    assert "# fail 0" in told


def test_lint_and_types(theatre: Theatre) -> None:
    theatre.npm_run("run", "--silent", "check")


@pytest.mark.usefixtures("theatre")
def test_the_build_is_small_and_names_only_its_own_files() -> None:
    files = [file for file in PAGE.parent.rglob("*") if file.is_file()]
    assert sum(len(gzip.compress(file.read_bytes())) for file in files) / 1000 < LARGEST_KILOBYTES
    page = PAGE.read_text()
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert all(address.startswith(("/console/", "/docs")) for address in addresses), addresses
    assert "style=" not in page
    assert "<style" not in page
    assert not re.search(r"<script(?![^>]*src=)", page)


def test_what_it_needs_is_pinned_and_runs_on_node_18() -> None:
    package = json.loads((FOLDER / "package.json").read_text())
    wanted = {**package["dependencies"], **package["devDependencies"]}
    assert wanted.pop("@penstock/client") == "file:../../clients/typescript"
    assert {version for version in wanted.values() if not re.fullmatch(r"[\d.]+", version)} == set()
    assert package["engines"] == {"node": ">=18"}
    assert int(wanted["vite"].split(".")[0]) <= 6  # the last line for Node 18


def test_the_lock_names_no_place_to_download_from() -> None:
    lock = json.loads((FOLDER / "package-lock.json").read_text())
    places = {entry["resolved"] for entry in lock["packages"].values() if "resolved" in entry}
    assert places == {"../../clients/typescript"}
    theirs = [
        name for name, entry in lock["packages"].items() if name.startswith("node_modules/") and "link" not in entry
    ]
    assert [name for name in theirs if not lock["packages"][name].get("integrity", "").startswith("sha512-")] == []


def test_the_makefile_builds_it_and_says_how_where_it_cannot() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"^up: .*console", makefile, re.MULTILINE)
    assert "then: make console" in makefile
