"""Both models are asked at once, and calls that nobody waits for are cancelled; without a gateway.

Run it with `pytest` in this folder.
"""

import asyncio
import json
from base64 import b64encode
from collections.abc import Awaitable, Callable
from typing import Any

from fan_out import create_app
from fastapi import FastAPI
from httpx2 import ASGITransport
from httpx2 import AsyncClient as Caller
from penstock_client import AsyncClient
from penstock_client.messages import Request, Response

OUTPUTS = {
    "diabetes": ({"task": "regression", "target": "progression", "unit": ""}, "value", [151.6]),
    "digits": ({"task": "classification", "labels": ["no", "yes"]}, "probabilities", [0.2, 0.8]),
}
VISIT = {"patient": {"age": 59}, "picture": b64encode(b"a picture").decode()}
WAIT_SECONDS = 10


class Gateway:
    """A transport that answers metadata at once, and predictions as `predict` does."""

    def __init__(self, predict: Callable[[str], Awaitable[Response]]) -> None:
        self._predict = predict

    async def asend(self, request: Request, *, timeout_seconds: float) -> Response:
        model = request.path.removeprefix("/v1/models/").partition("/")[0].partition(":")[0]
        if not request.path.endswith("/metadata"):
            return await asyncio.wait_for(self._predict(model), timeout_seconds)
        outputs, name, _ = OUTPUTS[model]
        kind = "number" if model == "diabetes" else "image"
        manifest = {
            "features": [{"kind": kind, "name": "age", "dtype": "float32"}],
            "outputs": outputs,
            "signatures": {"serving_default": {"inputs": [], "outputs": [{"name": name}]}},
        }
        return says({"model_spec": {"name": model, "version": "3"}, "metadata": {"manifest": manifest}})

    async def aclose(self) -> None:
        """There is nothing to close."""


def says(body: object, status: int = 200, **headers: str) -> Response:
    return Response(status, {"x-model-version": "3", "x-request-id": "r-1", **headers}, json.dumps(body).encode())


def app_before(gateway: Gateway) -> FastAPI:
    return create_app(AsyncClient("http://gateway", transport=gateway, retries=None))


async def asked(app: FastAPI) -> tuple[int, Any]:
    async with app.router.lifespan_context(app), Caller(transport=ASGITransport(app), base_url="http://app") as caller:
        answer = await caller.post("/findings", json=VISIT)
        return answer.status_code, answer.json()


def test_both_models_are_asked_at_once() -> None:
    async def run() -> tuple[int, Any]:
        together = asyncio.Barrier(2)  # passed only when both are under way

        async def predict(model: str) -> Response:
            await together.wait()
            return says({"predictions": [OUTPUTS[model][2]]})

        return await asked(app_before(Gateway(predict)))

    versions = {"diabetes": 3, "digits": 3}
    assert asyncio.run(run()) == (200, {"progression": 151.6, "digit": "yes", "versions": versions})


def test_a_refusal_of_one_model_cancels_the_other_and_names_the_field() -> None:
    async def run() -> tuple[int, Any, bool]:
        under_way, cancelled = asyncio.Event(), asyncio.Event()

        async def predict(model: str) -> Response:
            if model == "diabetes":
                await under_way.wait()
                return says({"error": "590 is too old", "code": "OutOfRange", "field": "/instances/0/age"}, 400)
            return await never(under_way, cancelled)

        return *await asked(app_before(Gateway(predict))), cancelled.is_set()

    status, body, is_cancelled = asyncio.run(run())
    assert (status, body["code"], body["field"]) == (400, "OutOfRange", "/instances/0/age")
    assert is_cancelled


def test_a_caller_who_leaves_takes_both_calls_along() -> None:
    async def run() -> list[bool]:
        under_way, cancelled = [asyncio.Event(), asyncio.Event()], [asyncio.Event(), asyncio.Event()]
        places = {"diabetes": 0, "digits": 1}

        async def predict(model: str) -> Response:
            return await never(under_way[places[model]], cancelled[places[model]])

        body = json.dumps(VISIT).encode()
        messages = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if messages:
                return messages.pop()
            for event in under_way:
                await event.wait()
            return {"type": "http.disconnect"}

        async def send(_message: Any) -> None:
            pass

        app = app_before(Gateway(predict))
        head = [(b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/findings", "headers": head, "query_string": b""}
        async with app.router.lifespan_context(app):
            await asyncio.wait_for(app(scope, receive, send), WAIT_SECONDS)
        return [event.is_set() for event in cancelled]

    assert asyncio.run(run()) == [True, True]


async def never(under_way: asyncio.Event, cancelled: asyncio.Event) -> Response:
    """A gateway that does not answer until its caller gives up."""
    under_way.set()
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        cancelled.set()
        raise
    raise AssertionError("nobody waits so long")
