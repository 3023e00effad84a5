"""Large batches over real sockets: cut, sent at the same time, put together in order."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
import pytest
from penstock_client import AsyncClient, Client, Predictions, WrongDtype

from tests.integration.clients.stand_in import StandIn

Many: TypeAlias = Callable[..., Predictions]
ROWS = np.arange(230.0).reshape(23, 10)
VALUES = [100 + row[0] + row[2] for row in ROWS]
RECORDS = [{"age": float(row[0]), "bmi": float(row[2])} for row in ROWS]


@pytest.fixture(params=["Client", "AsyncClient"])
def many(request: pytest.FixtureRequest, stand_in: StandIn) -> Many:
    """`predict_many` of either client."""

    def sync(*arguments: Any, **options: Any) -> Predictions:
        with Client(stand_in.url) as client:
            return client.predict_many(*arguments, **options)

    def by_await(*arguments: Any, **options: Any) -> Predictions:
        async def run() -> Predictions:
            async with AsyncClient(stand_in.url) as client:
                return await client.predict_many(*arguments, **options)

        return asyncio.run(run())

    return sync if request.param == "Client" else by_await


def predict_calls(stand_in: StandIn) -> int:
    return sum(path.endswith(":predict") for _, path, _ in stand_in.asked)


@pytest.mark.parametrize("inputs", [ROWS, [*ROWS], RECORDS, lambda: iter(ROWS), lambda: iter(RECORDS)])
def test_rows_of_any_kind_are_cut_and_put_together(many: Many, stand_in: StandIn, inputs: Any) -> None:
    predictions = many("diabetes", inputs() if callable(inputs) else inputs, chunk_rows=5)
    assert [each.value for each in predictions] == VALUES
    assert predict_calls(stand_in) == 5
    assert sum(path.endswith("/metadata") for _, path, _ in stand_in.asked) == 1


@pytest.mark.parametrize("inputs", [[], np.zeros((0, 10)), iter(())])
def test_no_rows_are_no_predictions(many: Many, stand_in: StandIn, inputs: Any) -> None:
    assert list(many("diabetes", inputs)) == []
    assert predict_calls(stand_in) == 0


def test_an_error_names_the_row_of_the_whole_batch_and_keeps_what_was_answered(many: Many) -> None:
    inputs = [*RECORDS[:13], {"age": 1, "bmi": "high"}, *RECORDS[14:]]
    with pytest.raises(WrongDtype) as raised:
        many("diabetes", inputs, chunk_rows=5)
    assert raised.value.field == "/instances/13/bmi"
    assert [each.value for each in raised.value.answered] == VALUES[:10]


def test_progress_is_told_after_each_answer(many: Many) -> None:
    told: list[tuple[int, int | None]] = []
    many("diabetes", ROWS, chunk_rows=10, progress=lambda done, total: told.append((done, total)))
    assert told == [(10, 23), (20, 23), (23, 23)]


def test_nobody_knows_the_total_of_an_iterator(many: Many) -> None:
    told: list[tuple[int, int | None]] = []
    many("diabetes", iter(ROWS), chunk_rows=20, progress=lambda done, total: told.append((done, total)))
    assert told == [(20, None), (23, None)]


@pytest.mark.parametrize(("same_version", "versions"), [(True, (1,)), (False, (1, 2))])
def test_a_version_change_meanwhile(
    many: Many,
    stand_in: StandIn,
    same_version: bool,  # noqa: FBT001 - a table
    versions: tuple[int, ...],
) -> None:
    """Version 2 goes live when the first rows were answered."""

    def rows() -> Iterator[list[list[float]]]:
        for row in range(40):
            if predict_calls(stand_in) > 1:
                stand_in.live = 2
            yield [[float(row % 10)] * 8] * 8

    predictions = many("digits", rows(), chunk_rows=2, concurrency=1, same_version=same_version)
    assert predictions.versions == versions
    assert len(predictions) == 40


def test_each_request_has_an_id_of_its_own(many: Many, stand_in: StandIn) -> None:
    many("diabetes", ROWS, chunk_rows=10, request_id="nightly")
    sent = {headers["x-request-id"] for _, path, headers in stand_in.asked if path.endswith(":predict")}
    assert sent == {"nightly-0", "nightly-1", "nightly-2"}


@pytest.mark.parametrize("inputs", [{"age": 1}, "seven.png", np.zeros((8, 8))])
def test_one_input_is_wrong_use(many: Many, inputs: Any) -> None:
    with pytest.raises(ValueError, match=r"one input|one row"):
        many("digits", inputs)


def test_an_async_iterators_rows_are_taken_as_they_come(stand_in: StandIn) -> None:
    async def rows() -> AsyncIterator[Any]:
        for row in ROWS:
            yield row

    async def run() -> Predictions:
        async with AsyncClient(stand_in.url) as client:
            return await client.predict_many("diabetes", rows(), chunk_rows=4)

    assert [each.value for each in asyncio.run(run())] == VALUES


def test_the_bar_is_drawn_on_standard_error(many: Many, capsys: pytest.CaptureFixture[str]) -> None:
    many("diabetes", ROWS, progress=True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "23/23" in shown.err


def test_without_rich_the_pip_command_is_named(stand_in: StandIn) -> None:
    program = (
        "import sys; sys.modules['rich'] = None; sys.modules['rich.progress'] = None\n"
        "import penstock_client\n"
        f"penstock_client.Client({stand_in.url!r}).predict_many('diabetes', [{{'age': 1, 'bmi': 2}}], progress=True)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "pip install 'penstock-client[progress]'" in done.stderr
