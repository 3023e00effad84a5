"""The short way to predictions: the same endpoints, found without FastAPI, and everything else still found by it."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from serving.rest.hot_routes import MOST_PATHS, HotFirst, HotRoutes
from serving.rest.request_head import RequestHead
from serving.rest.response import Begin


class Endpoint:
    """An ASGI application that keeps the scopes it was called with."""

    def __init__(self) -> None:
        self.scopes = list[Mapping[str, Any]]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive, send
        self.scopes.append(scope)

    def prepare(self, head: RequestHead, parameters: Mapping[str, str]) -> Begin | None:
        self.scopes.append({"path_params": parameters})
        return None if head.headers else lambda *_: self.scopes.clear


def asked(method: str, path: str, **more: Any) -> tuple[list[object], int]:
    """What each prediction was asked for, and how many requests went the long way."""
    short, long = Endpoint(), Endpoint()
    front = HotFirst([Route("/v1/models/{model}/versions/{version}:predict", short)], long)

    async def receive() -> dict[str, Any]:
        return {}

    async def send(_: Any) -> None: ...

    scope = {"type": "http", "method": method, "path": path, **more}
    asyncio.run(front(scope, receive, send))
    return [scope["path_params"] for scope in short.scopes], len(long.scopes)


def test_a_prediction_is_found_with_what_its_path_names() -> None:
    assert asked("POST", "/v1/models/digits/versions/3:predict") == ([{"model": "digits", "version": "3"}], 0)


def test_everything_else_goes_the_long_way() -> None:
    assert asked("GET", "/v1/models/digits/versions/3:predict") == ([], 1)
    assert asked("POST", "/v1/models/digits:predict") == ([], 1)
    assert asked("POST", "/v1/models/digits/versions/3:predict", root_path="/gateway") == ([], 1)
    assert asked("POST", "/v1/models/a/b/versions/3:predict") == ([], 1)


def test_made_up_paths_do_not_fill_the_memory() -> None:
    routes = HotRoutes([Route("/v1/models/{model}:predict", Endpoint())])
    for number in range(MOST_PATHS + 10):
        assert routes.find(f"/v1/models/m{number}:predict") is not None
    assert routes.remembered <= MOST_PATHS


def test_a_server_without_tasks_is_led_to_the_endpoint_too() -> None:
    endpoint = Endpoint()
    front = HotFirst([Route("/v1/models/{model}:predict", endpoint)], Endpoint())

    def prepared(path: str, root_path: str = "", headers: Sequence[tuple[bytes, bytes]] = ()) -> Begin | None:
        return front.prepare({"path": path, "root_path": root_path, "headers": headers})

    assert prepared("/v1/models/digits:predict") is not None
    assert [scope["path_params"] for scope in endpoint.scopes] == [{"model": "digits"}]
    assert prepared("/v1/models/digits:predict", headers=[(b"content-encoding", b"gzip")]) is None
    assert prepared("/v1/models/digits:predict", root_path="/gateway") is None
    assert prepared("/v2/models/digits/infer") is None
