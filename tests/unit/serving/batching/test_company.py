"""Waiting for requests that come in one by one: who waits, for how long, and who never does."""

import asyncio

import pytest

from serving.batching.company import ENOUGH_ROWS, LONGEST_SECONDS, QUIET_TURNS, Company
from tests.unit.serving.batching.batcher_parts import gateway, ids, open_backend
from tests.unit.serving.batching.event_loop import on_event_loop


def turns_waited(company: Company, *, rows: int = 1, deadline: float | None = 9.0, turn_seconds: float = 0.0) -> int:
    now, turns = 1.0, 0
    while company.is_worth_a_turn(rows, deadline, now):
        now, turns = now + turn_seconds, turns + 1
    return turns


def test_a_batch_waits_for_the_turns_in_which_the_next_would_come() -> None:
    company = Company()
    assert turns_waited(company) == 0
    company.came()
    assert turns_waited(company) == QUIET_TURNS
    assert turns_waited(company) == 0


def test_whoever_comes_meanwhile_may_be_followed_too() -> None:
    company = Company()
    company.came()
    assert company.is_worth_a_turn(1, None, 1.0)
    company.came()
    assert turns_waited(company) == QUIET_TURNS


def test_however_many_come_the_wait_has_an_end() -> None:
    company, now, turns = Company(), 1.0, 0
    company.came()
    while company.is_worth_a_turn(1, None, now):
        company.came()
        now, turns = now + 0.001, turns + 1
    assert turns == pytest.approx(LONGEST_SECONDS / 0.001, abs=1)
    company.came()
    assert turns_waited(company) == QUIET_TURNS


def test_a_full_batch_an_empty_one_and_one_in_a_hurry_do_not_wait() -> None:
    company = Company()
    for rows, deadline in ((ENOUGH_ROWS, 9.0), (0, None), (1, 1.0 + 1.9 * LONGEST_SECONDS)):
        company.came()
        assert turns_waited(company, rows=rows, deadline=deadline) == 0
    company.came()
    assert turns_waited(company, deadline=1.0 + 2.1 * LONGEST_SECONDS) == QUIET_TURNS


@on_event_loop
async def test_requests_of_several_turns_ride_one_batch_when_they_announce_company() -> None:
    async def one_by_one(*, announced: bool) -> list[int]:
        desk = gateway(open_backend(), max_batch_rows=8)
        asked = []
        for n in range(4):
            if announced:
                desk.batcher.company.came()
            asked.append(asyncio.create_task(desk.ask(10 * n)))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert [ids(await answer) for answer in asked] == [[0], [10], [20], [30]]
        return desk.tally.rows

    assert await one_by_one(announced=True) == [4]
    assert len(await one_by_one(announced=False)) > 1
