"""Pages of other origins: who may ask, what they may read, and that nothing changes for anybody else."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from serving.app import create_app
from serving.backends.in_memory import InMemoryBackend, zeros_of_shape
from serving.errors import InvalidSettings
from serving.request_ids import RequestIds
from serving.rest.cross_origin import CrossOrigin, Origins
from serving.rest.hot_routes import HotFirst
from serving.rest.response import WHOLE_RESPONSE, Begin, Cancel, Response, Tell
from serving.settings import Settings, load_settings

OURS, OTHERS = b"https://app.example.com", b"https://elsewhere.example.com"


class Front:
    """Answers every request with one header of its own."""

    def prepare(self, scope: Scope) -> Begin | None:
        return self._begin if scope["path"] == "/hot" else None

    def _begin(self, raw: bytes, answer: Tell) -> Cancel | None:
        if not raw:
            return None
        answer(Response(200, raw, ((b"x-model-version", b"3"),)), "r1")
        return lambda: None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        if scope["type"] == "http":
            await send({"type": scope["extension"], "status": 200, "headers": [(b"x-model-version", b"3")]})


def asked(
    origins: Sequence[str], method: str, extension: str = "http.response.start", **headers: bytes
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of what a front before `Front` answers."""
    sent = list[Message]()

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    pairs = [(name.replace("_", "-").encode(), value) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": "/", "headers": pairs, "extension": extension}
    asyncio.run(CrossOrigin(Front(), Origins(origins), RequestIds())(scope, receive, send))
    answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], answered, b"".join(message.get("body", b"") for message in sent)


@pytest.mark.parametrize("extension", ["http.response.start", WHOLE_RESPONSE])
def test_a_page_of_a_named_origin_may_read_the_answer_and_its_headers(extension: str) -> None:
    _, headers, _ = asked([OURS.decode()], "GET", extension, origin=OURS)
    assert headers["access-control-allow-origin"] == OURS.decode()
    assert "Server-Timing" in headers["access-control-expose-headers"]
    assert "Retry-After" in headers["access-control-expose-headers"]
    assert headers["x-model-version"] == "3"
    assert headers["vary"] == "origin"


def test_a_page_of_another_origin_may_not_and_caches_are_told() -> None:
    _, headers, _ = asked([OURS.decode()], "GET", origin=OTHERS)
    assert headers == {"x-model-version": "3", "vary": "origin"}


def test_every_page_may_where_all_origins_are_named() -> None:
    _, headers, _ = asked(["*"], "GET", origin=OTHERS)
    assert headers["access-control-allow-origin"] == "*"
    assert "vary" not in headers


def test_a_browser_that_asks_beforehand_is_told_what_it_may_send() -> None:
    status, headers, _ = asked([OURS.decode()], "OPTIONS", origin=OURS, access_control_request_method=b"POST")
    assert status == 200
    allowed = set(headers["access-control-allow-headers"].split(", "))
    ours = {"x-request-id", "x-request-timeout-ms", "x-priority"}
    assert {"traceparent", "authorization", "x-api-key", "content-type", *ours} <= allowed
    assert "POST" in headers["access-control-allow-methods"]
    assert headers["access-control-max-age"] == "600"


def test_one_that_asks_for_another_origin_is_told_which_setting_says_no() -> None:
    status, headers, body = asked([OURS.decode()], "OPTIONS", origin=OTHERS, access_control_request_method=b"POST")
    assert status == 403
    assert b'"code":"Forbidden"' in body
    assert b"cors_origins" in body
    assert "access-control-allow-origin" not in headers


def test_the_short_way_tells_pages_the_same_and_others_nothing() -> None:
    front = CrossOrigin(Front(), Origins([OURS.decode()]), RequestIds())

    def told(origin: bytes | None, raw: bytes = b"{}") -> list[Response]:
        answers = list[Response]()
        begin = front.prepare({"path": "/hot", "headers": [(b"origin", origin)] if origin else []})
        assert begin is not None
        begun = begin(raw, lambda response, _: answers.append(response))
        assert (begun is None) == (not raw)
        return answers

    [allowed] = told(OURS)
    assert dict(allowed.headers)[b"access-control-allow-origin"] == OURS
    assert dict(allowed.headers)[b"x-model-version"] == b"3"
    assert [response.headers for response in (*told(OTHERS), *told(None))] == [((b"x-model-version", b"3"),)] * 2
    assert told(OURS, b"") == []
    assert front.prepare({"path": "/cold", "headers": [(b"origin", OURS)]}) is None


def test_the_lifespan_passes() -> None:
    async def nothing(*_: Any) -> Any: ...

    asyncio.run(CrossOrigin(Front(), Origins(["*"]), RequestIds())({"type": "lifespan"}, nothing, nothing))


def test_a_gateway_without_origins_has_nothing_before_it(tmp_path: Path) -> None:
    backend = InMemoryBackend({}, zeros_of_shape({}))
    assert type(create_app(Settings(models=tmp_path), backend=backend).state.front) is HotFirst
    named = Settings(models=tmp_path, cors_origins=("*",))
    assert type(create_app(named, backend=backend).state.front) is CrossOrigin


@pytest.mark.parametrize("origin", ["app.example.com", "https://app.example.com/", "https://App.example.com", "**"])
def test_what_is_no_origin_is_refused_at_the_start(origin: str) -> None:
    with pytest.raises(InvalidSettings, match="is no origin"):
        load_settings({}, {"PENSTOCK_CORS_ORIGINS": f"*,{origin}"}, {})
