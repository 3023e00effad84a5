"""The web console: its page at `/`, its files, the figures it draws, and the training reports of versions.

The page is built from `serving/console` (`make console`); without a build `/` says how to make one. Nothing here is
part of the API: the paths under `/console` change with the page.
"""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from serving.catalog import CatalogView
from serving.contract.model_directory import MODEL_NAME, model_paths, version_number

BUILT = Path(__file__).parents[1] / "console" / "dist"
PAGE = "index.html"
SAFE: Mapping[str, str] = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy (W3C, level 3) of the page: it runs its own files and talks to its own gateway."""
OF_THE_PAGE: Mapping[str, str] = {"content-security-policy": POLICY, "cache-control": "no-cache"}
KEPT: Mapping[str, str] = {"cache-control": "public, max-age=31536000, immutable"}
REPORT_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
"""Of a training report, which came out of the model directory: pictures and styles, no scripts."""
MISSING = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Penstock</title>
<h1>Penstock</h1><p>The gateway is running; its console has not been built. <code>make console</code> builds it where
Node is installed. <a href="/docs">The API's pages</a>, <a href="/metrics">metrics</a>.</p></html>"""


def console_router(
    figures: Callable[[Scope], Awaitable[Mapping[str, Any]]], models: Path, built: Path = BUILT
) -> APIRouter:
    """`figures` gives the document of `console_figures` for a request; `models` is the model directory, `built` where
    the page is.
    """
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def page() -> Response:
        headers = {**SAFE, **OF_THE_PAGE}
        if (built / PAGE).is_file():
            return FileResponse(built / PAGE, headers=headers)
        return HTMLResponse(MISSING, headers=headers)

    @router.get("/console/figures")
    async def all_figures(request: Request) -> Mapping[str, Any]:
        return await figures(request.scope)

    @router.get("/console/reports/{model}/{version}")
    @router.get("/console/reports/{model}/{version}/")
    def report(model: str, version: str) -> Response:  # in a thread: the model directory may be far away
        number = version_number(version)
        file = None if number is None else report_file(models, model, number)
        if file is None:
            raise HTTPException(404, f"there is no training report of version {version[:32]} of model {model[:128]}")
        return FileResponse(file, headers={**SAFE, "content-security-policy": REPORT_POLICY})

    router.mount("/console", _Files(built))
    return router


def reports_of(models: Path, view: CatalogView) -> frozenset[tuple[str, int]]:
    """The models and versions of `view` that have a report; looks at the disk."""
    versions = [(name, version) for name, entry in view.models.items() for version in entry.statuses]
    return frozenset(each for each in versions if report_file(models, *each) is not None)


def report_file(models: Path, model: str, version: int) -> Path | None:
    """The page of a version's report, where there is one: a single file, its pictures in it."""
    if not MODEL_NAME.fullmatch(model):
        return None
    folder = model_paths(models, model).version(version)
    file = folder.report / PAGE
    inside = file.is_file() and file.resolve().is_relative_to(folder.root.resolve())  # and no link to another's file
    return file if inside else None


class _Files(StaticFiles):
    """Vite names files by their content, so they may be kept for good; but for the page, which lies among them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder, check_dir=False)
        self.folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self.folder.is_dir():  # for which StaticFiles has an exception of its own
            raise HTTPException(404)
        await super().__call__(scope, receive, send)

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update({**SAFE, **(OF_THE_PAGE if path == PAGE else KEPT)})
        return response
