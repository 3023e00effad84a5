"""Paths that nothing answers are told so at once; all others go on, those too that would be redirected."""

import asyncio
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.types import Receive, Scope, Send

from serving.request_ids import RequestIds
from serving.rest.nowhere import Nowhere
from tests.unit.serving.gateway_parts import ask


class Passed(Exception):
    """To the application."""


async def passing(*_: Scope | Receive | Send) -> None:
    raise Passed


def answer(path: str, **more: Any) -> Any:
    app, router = FastAPI(), APIRouter()
    router.get("/models/{model}")(lambda model: model)
    app.include_router(router)
    return asyncio.run(ask(Nowhere(passing, lambda: app.router.routes, RequestIds()), path, method="GET", **more))


@pytest.mark.parametrize("path", ["/models/a", "/models/a/", "/docs", "/docs/"])
def test_what_may_be_answered_goes_on(path: str) -> None:
    with pytest.raises(Passed):
        answer(path)


@pytest.mark.parametrize("path", ["/nowhere", "/models", "/models/a/b", "//"])
def test_what_nothing_answers_is_404_at_once(path: str) -> None:
    found = answer(path, headers={"x-request-id": "mine"})
    assert (found.status, found.json["code"], found.json["request_id"]) == (404, "HttpError", "mine")
