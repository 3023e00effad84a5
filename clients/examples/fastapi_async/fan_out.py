"""One request, two models at once: a FastAPI app over the async client.

Start it beside a gateway with `uvicorn --factory fan_out:create_app`; GATEWAY is the gateway's address. The app opens
the client when it starts and closes it when it ends. Where one model refuses, or the caller leaves, the calls under way
are cancelled, and the gateway drops their work.
"""

import asyncio
import math
import os
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from penstock_client import (
    AsyncClient,
    BackendOverloaded,
    BackendUnavailable,
    ConnectionFailed,
    DeadlineExceeded,
    InvalidInput,
    ModelNotReady,
    Overloaded,
    PenstockError,
    Prediction,
    QuotaExceeded,
)
from pydantic import Base64Bytes, BaseModel

Result = TypeVar("Result")

TIMEOUT_SECONDS = 2.0
"""For both models together, retries included."""
RETRY_SECONDS = 2.0
"""Told to the caller where the gateway could not say when there will be room again."""
NOBODY_LISTENS = 499
"""nginx's status for a caller who left; it reaches nobody but the access log."""

STATUSES: Mapping[type[PenstockError], int] = MappingProxyType(
    {
        InvalidInput: 400,
        Overloaded: 503,
        QuotaExceeded: 503,  # this app's allowance, not its caller's
        ModelNotReady: 503,
        ConnectionFailed: 503,
        BackendUnavailable: 503,
        BackendOverloaded: 503,
        DeadlineExceeded: 504,
        PenstockError: 502,
    }
)
"""What each of the client's errors means to this app's callers; looked up along the class's ancestors."""


class Visit(BaseModel):
    """What is asked: a patient's measurements by name, and a picture of a digit (PNG, JPEG or WebP) in base64."""

    patient: dict[str, float]
    picture: Base64Bytes


class Findings(BaseModel):
    progression: float
    digit: str
    versions: dict[str, int]


class CallerLeftError(Exception):
    pass


def create_app(client: AsyncClient | None = None) -> FastAPI:
    """`client` is for tests; without it the app has its own, from start to end."""
    app = FastAPI(title="Two models at once", lifespan=_open_client(client))
    app.add_exception_handler(PenstockError, _answer_error)
    app.add_exception_handler(CallerLeftError, _answer_nobody)
    app.post("/findings")(findings)
    return app


def _open_client(client: AsyncClient | None) -> Any:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        address = os.environ.get("GATEWAY", "http://127.0.0.1:8080")
        async with client or AsyncClient(address, timeout_seconds=TIMEOUT_SECONDS) as app.state.penstock:
            yield

    return lifespan


def shared_client(request: Request) -> AsyncClient:
    client: AsyncClient = request.app.state.penstock
    return client


async def findings(
    visit: Visit, request: Request, penstock: Annotated[AsyncClient, Depends(shared_client)]
) -> Findings:
    progression, digit = await _unless_the_caller_leaves(request, _ask_both(penstock, visit))
    return Findings(
        progression=progression.value or 0.0,
        digit=digit.label or "",
        versions={"diabetes": progression.version, "digits": digit.version},
    )


async def _ask_both(penstock: AsyncClient, visit: Visit) -> tuple[Prediction, Prediction]:
    """Raises the error of the model that refused first; the other's call is cancelled."""
    try:
        async with asyncio.TaskGroup() as group:
            progression = group.create_task(penstock.predict("diabetes", visit.patient))
            digit = group.create_task(penstock.predict("digits", visit.picture))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return progression.result(), digit.result()


async def _unless_the_caller_leaves(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """FastAPI lets a handler run on for a caller who has hung up; here it is cancelled. Raises CallerLeftError."""
    working, leaving = asyncio.create_task(work), asyncio.create_task(_caller_left(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise CallerLeftError
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _caller_left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _answer_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, PenstockError)
    status = next(STATUSES[ancestor] for ancestor in type(error).__mro__ if ancestor in STATUSES)
    body = {"error": error.message, "code": type(error).__name__, "field": error.field, "request_id": error.request_id}
    retry_after = {"Retry-After": str(math.ceil(error.retry_after_seconds or RETRY_SECONDS))} if status == 503 else {}
    return JSONResponse(body, status, retry_after)


async def _answer_nobody(_request: Request, _error: Exception) -> JSONResponse:
    return JSONResponse(None, NOBODY_LISTENS)
