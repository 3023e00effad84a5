"""Predictions in a gateway that asks who comes, in both ways a server may ask for them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from serving.access.caller import Quota, Verb
from serving.access.visitors import Visitors
from serving.backends.in_memory import Turn
from serving.contract.manifest import Manifest
from serving.errors import BackendRejected
from serving.rest.request_head import RequestHead
from serving.rest.response import Response
from tests.unit.serving.access.callers import Keys, caller
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
KEY = {"x-api-key": "key"}
ONE_AT_ONCE = Quota(concurrent_requests=1)


@pytest.fixture(params=[False, True], ids=["task", "without_task"])
def with_keys(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    write_version: Callable[[Manifest], None],
    manifest_with: Callable[..., Manifest],
) -> Callable[..., Any]:
    """Runs a coroutine function on started parts that ask for one of `keys`."""
    write_version(manifest_with(version=1))

    async def started(work: Callable[[Parts], Awaitable[Result]], keys: Keys, options: dict[str, Any]) -> Result:
        parts = await started_parts(tmp_path / "models", visitors=Visitors([keys], clock=lambda: 0.0), **options)
        return await work(replace(parts, without_task=request.param))

    return lambda work, keys, **options: asyncio.run(started(work, keys, options))


async def once(parts: Parts, headers: dict[str, str] = KEY, body: object = ONE_ROW, **given: Any) -> Answer | None:
    asking = ask_without_task if parts.without_task else ask
    return await asking(parts.endpoint, body=body, path_params=DOUBLES, headers=headers, **given)


async def predict(parts: Parts, headers: dict[str, str] = KEY, body: object = ONE_ROW) -> Answer:
    return answered(await once(parts, headers, body))


@pytest.mark.parametrize("headers", [{}, {"x-api-key": "another"}, {"x-api-key": "key", "authorization": "Bearer key"}])
def test_without_a_good_credential_it_is_401_and_counted(
    with_keys: Callable[..., Any], headers: dict[str, str]
) -> None:
    async def work(parts: Parts) -> tuple[Answer, Any, Any, int]:
        answer = await predict(parts, headers)
        counted = (parts.counted("penstock_requests_total"), parts.counted("penstock_rejected_total"))
        return answer, *counted, parts.backend.calls

    answer, finished, rejected, calls = with_keys(work, Keys({b"key": caller()}))
    assert (answer.status, answer.json["code"]) == (401, "Unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert [labels["code"] for labels in finished] == ["401"]
    assert [labels["reason"] for labels in rejected] == ["Unauthenticated"]
    assert calls == 0


def test_who_is_refused_learns_nothing_of_the_request(with_keys: Callable[..., Any]) -> None:
    async def work(parts: Parts) -> Answer:
        return await predict(parts, {"x-request-timeout-ms": "never"}, b"{")

    assert with_keys(work, Keys()).status == 401


@pytest.mark.parametrize(
    "scope",
    [caller("app", Verb.READ), caller("app", Verb.PREDICT, models=frozenset({"another"}))],
    ids=["verb", "model"],
)
def test_what_the_credential_is_not_for_is_403(with_keys: Callable[..., Any], scope: Any) -> None:
    answer = with_keys(predict, Keys({b"key": scope}))
    assert (answer.status, answer.json["code"]) == (403, "Forbidden")


@pytest.mark.parametrize("name", ["doubles", "made-up"])
def test_others_models_and_those_that_are_not_there_look_the_same(with_keys: Callable[..., Any], name: str) -> None:
    async def work(parts: Parts) -> Answer:
        asking = ask_without_task if parts.without_task else ask
        return answered(await asking(parts.endpoint, body=ONE_ROW, path_params={"model": name}, headers=KEY))

    refused = with_keys(work, Keys({b"key": caller(models=frozenset({"another"}))}))
    told = (refused.status, refused.json["error"].replace(name, "?"))
    assert told == (403, "'app' may not ask for predictions of model '?': its credential is for others")


def test_rows_over_the_quota_are_429_and_never_computed(with_keys: Callable[..., Any]) -> None:
    async def work(parts: Parts) -> tuple[list[Answer], int]:
        answers = [await predict(parts, body={"instances": [1, 2, 3]}) for _ in range(3)]
        return answers, parts.backend.calls

    answers, calls = with_keys(work, Keys({b"key": caller(quota=Quota(rows_per_second=6.0))}))
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert (answers[2].json["code"], answers[2].headers["retry-after"]) == ("QuotaExceeded", "1")
    assert calls == 2


def test_a_second_request_at_once_is_429(with_keys: Callable[..., Any]) -> None:
    async def work(parts: Parts) -> list[int]:
        return [answer.status for answer in await asyncio.gather(predict(parts), predict(parts))]

    assert with_keys(work, Keys({b"key": caller(quota=ONE_AT_ONCE)})) == [200, 429]


@pytest.mark.parametrize(
    ("turns", "then"),
    [([], None), ([Turn(error=BackendRejected("no"))], None), ([FOREVER], GONE)],
    ids=["answered", "failed", "gone"],
)
def test_a_request_counts_until_its_end_whatever_that_is(
    with_keys: Callable[..., Any], turns: list[Turn], then: Any
) -> None:
    async def work(parts: Parts) -> list[int]:
        await once(parts, then=then)
        return [(await predict(parts, body=b"{")).status for _ in range(2)]

    assert with_keys(work, Keys({b"key": caller(quota=ONE_AT_ONCE)}), turns=turns) == [400, 400]


def test_a_head_that_is_known_is_refused_from_the_change_on(
    tmp_path: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]
) -> None:
    write_version(manifest_with(version=1))
    keys = Keys({b"key": caller()})

    async def work() -> list[int]:
        parts = await started_parts(tmp_path / "models", visitors=Visitors([keys]))
        begin = parts.endpoint.prepare(RequestHead({b"x-api-key": b"key"}), DOUBLES)
        assert begin is not None
        found = [await told(begin)]
        keys.change(b"key", None)
        found += [await told(begin), await told(begin)]
        keys.change(b"key", caller())
        return [*found, await told(begin)]

    async def told(begin: Any) -> int:
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        begin(b'{"instances": [1]}', lambda response, _: answer.set_result(response))
        return (await answer).status

    assert asyncio.run(work()) == [200, 401, 401, 200]
    assert keys.asked == 4
