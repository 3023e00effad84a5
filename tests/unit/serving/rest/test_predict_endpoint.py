"""The hot path driven as the ASGI callable it is, over the in-memory backend."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from starlette.types import Message

from serving.backend_protocol import Arrays, Target
from serving.backends.in_memory import Turn
from serving.contract.manifest import Manifest
from serving.contract.tensors import Array
from serving.errors import BackendRejected, BackendUnavailable, PenstockError
from tests.unit.serving.gateway_parts import (
    FOREVER,
    GONE,
    Answer,
    Parts,
    answered,
    ask,
    ask_without_task,
    started_parts,
)

Result = TypeVar("Result")
DOUBLES = {"model": "doubles"}
ONE_ROW = {"instances": [1]}

WithParts = Callable[..., Any]


@pytest.fixture(params=[False, True], ids=["task", "without_task"])
def with_parts(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    write_version: Callable[[Manifest], None],
    manifest_with: Callable[..., Manifest],
) -> WithParts:
    """Runs a coroutine function on started parts; keywords go to `started_parts`. In both ways a server may ask."""
    for version in (1, 2):
        write_version(manifest_with(version=version))

    async def started(work: Callable[[Parts], Awaitable[Result]], options: dict[str, Any]) -> Result:
        parts = await started_parts(tmp_path / "models", **options)
        return await work(replace(parts, without_task=request.param))

    return lambda work, **options: asyncio.run(started(work, options))


async def predict(parts: Parts, body: object = ONE_ROW, *, of: dict[str, str] = DOUBLES, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return answered(await once(parts, body=body, path_params=of, headers=named))


async def once(parts: Parts, **given: Any) -> Answer | None:
    if parts.without_task and given.get("method", "POST") == "POST":
        return await ask_without_task(parts.endpoint, **given)
    return await ask(parts.endpoint, **given)


def test_rows_are_answered_in_order_with_a_receipt(with_parts: WithParts) -> None:
    answer = with_parts(lambda parts: predict(parts, {"instances": [1, 2.5]}, x_request_id="mine-7"))
    assert (answer.status, answer.json) == (200, {"predictions": [[2.0], [5.0]]})
    assert answer.headers["x-request-id"] == "mine-7"
    assert answer.headers["x-model-version"] == "2"
    assert answer.headers["content-length"] == str(len(answer.body))
    names = [part.split(";")[0] for part in answer.headers["server-timing"].split(", ")]
    assert names == ["decode", "queue", "backend", "encode", "batch"]


@pytest.mark.parametrize(("version", "expected"), [("1", "1"), ("2", "2"), ("01", "1")])
def test_a_version_that_is_named_answers(with_parts: WithParts, version: str, expected: str) -> None:
    answer = with_parts(lambda parts: predict(parts, of={**DOUBLES, "version": version}))
    assert answer.headers["x-model-version"] == expected


def test_the_answered_request_is_counted_under_its_version(with_parts: WithParts) -> None:
    async def work(parts: Parts) -> list[dict[str, str]]:
        await predict(parts)
        return parts.counted("penstock_requests_total")

    labels = {"model_name": "doubles", "model_version": "2", "signature": "serving_default", "protocol": "rest_v1"}
    assert with_parts(work) == [{**labels, "code": "200"}]


def test_an_unknown_model_is_tensorflow_servings_404_and_never_a_label(with_parts: WithParts) -> None:
    async def work(parts: Parts) -> tuple[Answer, list[str]]:
        answer = await predict(parts, of={"model": "nope"})
        return answer, [labels["model_name"] for labels in parts.counted("penstock_requests_total")]

    answer, names = with_parts(work)
    assert (answer.status, answer.json["error"]) == (404, "Could not find any versions of model nope")
    assert answer.json["code"] == "UnknownModel"
    assert names == ["_unknown"]


@pytest.mark.parametrize(
    ("of", "status", "message"),
    [
        ({"version": "7"}, 404, "Could not find version 7 of model doubles"),
        ({"version": "seven"}, 404, "'seven' is not a version number; labels are under /labels/"),
        ({"label": "canary"}, 404, "Unrecognized servable version label: canary"),
    ],
)
def test_an_unknown_version_or_label_is_404(
    with_parts: WithParts, of: dict[str, str], status: int, message: str
) -> None:
    answer = with_parts(lambda parts: predict(parts, of={**DOUBLES, **of}))
    assert (answer.status, answer.json["error"]) == (status, message)


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({"instances": ["1"]}, 400, "WrongDtype", "/instances/0"),
        ({"instances": [{"y": 1}]}, 400, "UnknownField", "/instances/0/y"),
        ({"instances": [1], "signature_name": "no"}, 400, "InvalidInput", "/signature_name"),
        ({"rows": [1]}, 400, "InvalidInput", "/rows"),
        (b"{", 400, "InvalidInput", None),
        ({"instances": [0] * 500}, 413, "PayloadTooLarge", None),
        ({"instances": [0] * 9}, 413, "PayloadTooLarge", None),
    ],
)
def test_a_wrong_request_is_told_where(
    with_parts: WithParts, body: object, status: int, code: str, field: str | None
) -> None:
    answer = with_parts(lambda parts: predict(parts, body))
    assert (answer.status, answer.json["code"], answer.json.get("field")) == (status, code, field)
    assert answer.json["request_id"] == answer.headers["x-request-id"]


def test_an_unread_content_type_is_415(with_parts: WithParts) -> None:
    answer = with_parts(lambda parts: predict(parts, content_type="application/xml"))
    assert (answer.status, answer.json["code"]) == (415, "UnsupportedMediaType")


def test_a_compressed_body_is_415(with_parts: WithParts) -> None:
    answer = with_parts(lambda parts: predict(parts, content_encoding="gzip"))
    assert (answer.status, answer.json["code"]) == (415, "UnsupportedMediaType")
    assert with_parts(lambda parts: predict(parts, content_encoding="identity")).status == 200


def test_the_deadline_ends_a_slow_call(with_parts: WithParts) -> None:
    answer = with_parts(lambda parts: predict(parts, x_request_timeout_ms="5"), turns=[FOREVER])
    assert (answer.status, answer.json["code"]) == (504, "DeadlineExceeded")


def test_a_full_queue_is_refused_with_a_time_to_come_back(with_parts: WithParts) -> None:
    async def work(parts: Parts) -> tuple[Answer, Answer]:
        return await asyncio.gather(predict(parts), predict(parts))

    served, refused = with_parts(work, max_queue_rows=1)
    assert (served.status, refused.status, refused.json["code"]) == (200, 503, "Overloaded")
    assert int(refused.headers["retry-after"]) >= 1


def test_a_refusal_is_counted_by_its_reason(with_parts: WithParts) -> None:
    async def work(parts: Parts) -> list[dict[str, str]]:
        await predict(parts, b"{")
        return parts.counted("penstock_rejected_total")

    assert with_parts(work) == [{"model_name": "doubles", "reason": "InvalidInput"}]


@pytest.mark.parametrize("occupied", [False, True], ids=["running", "queued"])
def test_a_client_that_hangs_up_is_given_up_and_counted(with_parts: WithParts, *, occupied: bool) -> None:
    async def work(parts: Parts) -> tuple[object, list[str], int]:
        before = asyncio.create_task(predict(parts)) if occupied else None
        await asyncio.sleep(0)
        answer = await once(parts, body=ONE_ROW, path_params=DOUBLES, then=GONE)
        if before:
            before.cancel()
        return answer, [labels["code"] for labels in parts.counted("penstock_requests_total")], parts.backend.calls

    assert with_parts(work, turns=[FOREVER, FOREVER]) == (None, ["499"], 1)


def test_a_client_that_leaves_before_its_body_is_whole_is_counted(with_parts: WithParts) -> None:
    async def work(parts: Parts) -> list[str]:
        cut: Message = {"type": "http.request", "body": b"{", "more_body": True}
        messages = iter([cut, GONE])

        async def receive() -> Message:
            return next(messages)

        async def send(_: object) -> None:
            pytest.fail("there is nobody to answer")

        await parts.endpoint({"method": "POST", "headers": [], "path_params": DOUBLES}, receive, send)
        return [labels["code"] for labels in parts.counted("penstock_requests_total")]

    assert with_parts(work) == ["499"]


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (BackendUnavailable("nobody answers"), 503, "1"),
        (BackendRejected("it cannot be run"), 500, None),
    ],
)
def test_what_the_backend_says_reaches_the_caller(
    with_parts: WithParts, error: PenstockError, status: int, retry_after: str | None
) -> None:
    answer = with_parts(predict, turns=[Turn(error=error)])
    assert (answer.status, answer.json["error"]) == (status, str(error))
    assert answer.headers.get("retry-after") == retry_after


def unencodable(_: Target, inputs: Arrays) -> dict[str, Array]:
    return {"value": np.zeros((len(inputs["x"]), 1), np.complex128)}


def test_an_unforeseen_failure_is_500_without_its_detail(
    with_parts: WithParts, caplog: pytest.LogCaptureFixture
) -> None:
    answer = with_parts(lambda parts: predict(parts, x_request_id="mine-7"), run=unencodable)
    expected = {"error": "internal error", "code": "InternalError", "request_id": "mine-7"}
    assert (answer.status, answer.json) == (500, expected)
    assert "request mine-7 failed" in caplog.text


def test_a_backend_bug_is_500_without_its_detail(with_parts: WithParts) -> None:
    def broken(*_: object) -> dict[str, Array]:
        raise ZeroDivisionError("/secret/path")

    answer = with_parts(predict, run=broken)
    assert (answer.status, answer.json["error"]) == (500, "the backend failed")


def nowhere(_: Target, inputs: Arrays) -> dict[str, Array]:
    return {"value": np.full((len(inputs["x"]), 1), np.nan, np.float32)}


def test_a_non_finite_output_is_null_and_counted(with_parts: WithParts) -> None:
    async def work(parts: Parts) -> tuple[Answer, list[dict[str, str]]]:
        return await predict(parts), parts.counted("penstock_non_finite_outputs_total")

    answer, counted = with_parts(work, run=nowhere)
    assert (answer.status, answer.json) == (200, {"predictions": [[None]]})
    assert counted == [{"model_name": "doubles", "model_version": "2"}]
