"""What the gateway gives its console: the page or how to build it, the files, the reports, each under its policy."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.types import Scope

from serving.contract.manifest import Manifest
from serving.contract.model_directory import model_paths
from serving.rest.console_routes import console_router
from tests.unit.serving.gateway_parts import Answer, answered, ask

Get = Callable[[str], Answer]


@pytest.fixture
def models(tmp_path: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]) -> Path:
    write_version(manifest_with())
    report = model_paths(tmp_path / "models", "doubles").version(1).report
    report.mkdir()
    (report / "index.html").write_text("how it went")
    return tmp_path / "models"


def get_from(models: Path, built: Path) -> Get:
    async def figures(_: Scope) -> dict[str, list[str]]:
        return {"models": []}

    app = FastAPI()
    app.include_router(console_router(figures, models, built))
    return lambda path: answered(asyncio.run(ask(app, path, method="GET")))


@pytest.fixture
def get(models: Path, tmp_path: Path) -> Get:
    built = tmp_path / "dist"
    built.mkdir()
    (built / "index.html").write_text("the console")
    (built / "main-1a2b.js").write_text("run()")
    (tmp_path / "secret.js").write_text("not yours")
    return get_from(models, built)


def test_page_runs_nothing_but_its_own_files(get: Get) -> None:
    page = get("/")
    assert page.body == b"the console"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


def test_page_without_a_build_says_how_to_make_one(models: Path, tmp_path: Path) -> None:
    page = get_from(models, tmp_path / "nothing")("/")
    assert page.status == 200
    assert b"make console" in page.body
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_files_are_kept_by_browsers_for_good(get: Get) -> None:
    file = get("/console/main-1a2b.js")
    assert file.body == b"run()"
    assert "immutable" in file.headers["cache-control"]


@pytest.mark.parametrize("path", ["/console/index.html", "/console/./x/../index.html"])
def test_the_page_has_its_policy_and_is_not_kept_under_its_files_name_either(get: Get, path: str) -> None:
    page = get(path)
    assert page.body == b"the console"
    assert page.headers["content-security-policy"] == get("/").headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/console/none.js", "/console/../secret.js", "/console/x/../../secret.js"])
def test_nothing_outside_the_build_is_a_file(get: Get, path: str) -> None:
    assert get(path).status == 404


def test_files_without_a_build_do_not_exist(models: Path, tmp_path: Path) -> None:
    assert get_from(models, tmp_path / "nothing")("/console/main-1a2b.js").status == 404


@pytest.mark.parametrize("path", ["/console/reports/doubles/1", "/console/reports/doubles/1/"])
def test_report_of_a_version_is_shown_without_scripts(get: Get, path: str) -> None:
    report = get(path)
    assert report.body == b"how it went"
    assert "sandbox" in report.headers["content-security-policy"]
    assert "script-src" not in report.headers["content-security-policy"]


@pytest.mark.parametrize(
    "named",
    ["doubles/2", "none/1", "../1", "doubles/x", "doubles/-1", ".hidden/1", "a\\b/1", "a\0/1", f"{'a' * 4000}/1"],
    ids=lambda named: named[:12],
)
def test_report_that_is_not_there_is_not_found(get: Get, named: str) -> None:
    assert get(f"/console/reports/{named}").status == 404


def test_figures_are_the_document_given(get: Get) -> None:
    assert get("/console/figures").json == {"models": []}
