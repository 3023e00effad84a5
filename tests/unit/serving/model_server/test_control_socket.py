import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving.backends.prediction_log import read_predictions
from serving.catalog import CatalogView, ModelEntry, Servable
from serving.contract.tfrecord import read_tfrecords
from serving.errors import BackendRejected, BackendUnavailable, PublishError
from serving.model_server.control_path import control_listener
from serving.model_server.control_socket import LENGTH, LONGEST_ORDER_BYTES, MOST_CONNECTIONS, ControlSocket
from serving.model_server.record_file import RecordFile, RecordTotals, new_file, record_into
from serving.model_server.recording import MOST_WAITING_REQUESTS, RecordOrder
from serving.model_store.label_following import Following
from serving.tap import Tap
from tests.doubles import doubles_manifest

BOUND_SECONDS = 30.0
MANIFEST = doubles_manifest()
SERVABLE = Servable("doubles", 1, MANIFEST, MANIFEST.signatures)
VIEW = CatalogView({"doubles": ModelEntry({}, {1: SERVABLE}, {}, Following({}, 1))})
ORDER = RecordOrder(command="record", model="doubles")


@asynccontextmanager
async def listening(path: Path) -> AsyncIterator[tuple[ControlSocket, Callable[[float], None]]]:
    """A control socket at `path`, and what a gateway does with a request of one row."""
    tap = Tap()

    def ask(x: float, rows: int = 1) -> None:
        if tap.listener is not None:
            tap.listener(SERVABLE.plan("serving_default"), {"x": np.full(rows, x, np.float32)})

    with control_listener(path) as listener:
        control = ControlSocket(listener, tap, lambda: VIEW, lambda: 0.0)
        await control.start()
        try:
            yield control, ask
        finally:
            await control.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(BOUND_SECONDS):
        while not condition():  # noqa: ASYNC110 - what is waited for is the code's own, and has no event
            await asyncio.sleep(0)


async def answer_to(path: Path, line: bytes) -> Any:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(line)
    answer = json.loads(await reader.readline())
    writer.close()
    return answer


async def recorded(
    paths: list[Path], out: Path, requests: int | None, work: Callable[[RecordFile], Any]
) -> RecordTotals:
    with new_file(out) as file:
        into = RecordFile(file, requests, asyncio.Event())
        recording = asyncio.create_task(
            record_into(into, paths, ORDER, seconds=None, began=lambda _: None, tick=lambda _: None, tick_seconds=9)
        )
        await work(into)
        async with asyncio.timeout(BOUND_SECONDS):
            await recording
    return into.totals


def test_requests_are_recorded_until_there_are_enough(tmp_path: Path) -> None:
    async def run() -> RecordTotals:
        async with listening(tmp_path / "s") as (control, ask):

            async def work(into: RecordFile) -> None:
                await until(lambda: control.tap.listener is not None)
                for value in range(5):
                    ask(value)
                await until(into.over.is_set)

            totals = await recorded([tmp_path / "s"], tmp_path / "out", 3, work)
            assert control.tap.listener is None
            return totals

    totals = asyncio.run(run())
    logs = list(read_predictions((tmp_path / "out").read_bytes()))
    assert [log.inputs["x"].tolist() for log in logs] == [[0], [1], [2]]
    assert (totals.written, totals.lost, totals.summed().seen) == (3, 0, 5)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o600


def test_every_process_of_a_gateway_is_asked(tmp_path: Path) -> None:
    async def run() -> RecordTotals:
        async with listening(tmp_path / "s.0") as (one, ask_one), listening(tmp_path / "s.1") as (two, ask_two):

            async def work(into: RecordFile) -> None:
                await until(lambda: None not in (one.tap.listener, two.tap.listener))
                ask_one(1)
                ask_two(2)
                await until(lambda: into.totals.written == 2)
                into.over.set()

            return await recorded([tmp_path / "s.0", tmp_path / "s.1"], tmp_path / "out", None, work)

    totals = asyncio.run(run())
    assert (totals.written, totals.summed().seen, len(totals.told)) == (2, 2, 2)


def test_a_stopping_gateway_ends_the_recording_with_what_it_has(tmp_path: Path) -> None:
    async def run() -> RecordTotals:
        async with listening(tmp_path / "s") as (control, ask):

            async def work(_: RecordFile) -> None:
                await until(lambda: control.tap.listener is not None)
                ask(1)
                await control.close()

            return await recorded([tmp_path / "s"], tmp_path / "out", None, work)

    totals = asyncio.run(run())
    assert (totals.written, totals.lost, totals.summed().sent) == (1, 0, 1)


def test_a_reader_that_does_not_read_costs_requests_nothing_but_their_place(tmp_path: Path) -> None:
    async def run() -> Any:
        async with listening(tmp_path / "s") as (control, _):
            reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
            writer.write(ORDER.model_dump_json().encode() + b"\n")
            await until(lambda: control.tap.listener is not None)
            listener, plan = control.tap.listener, SERVABLE.plan("serving_default")
            assert listener
            row = {"x": np.zeros(2000, np.float32)}
            for _ in range(20 * MOST_WAITING_REQUESTS):
                listener(plan, row)
                await asyncio.sleep(0)
            writer.write_eof()
            everything = await reader.read()
            writer.close()
            return json.loads(everything[everything.rindex(b"{") :])

    counts = asyncio.run(run())
    assert counts["seen"] == 20 * MOST_WAITING_REQUESTS == counts["sent"] + counts["dropped"]
    assert counts["dropped"] > 10 * MOST_WAITING_REQUESTS


def test_a_reader_that_goes_away_is_forgotten(tmp_path: Path) -> None:
    async def run() -> None:
        async with listening(tmp_path / "s") as (control, ask):
            _, writer = await asyncio.open_unix_connection(tmp_path / "s")
            writer.write(ORDER.model_dump_json().encode() + b"\n")
            await until(lambda: control.tap.listener is not None)
            writer.transport.abort()
            ask(1)
            await until(lambda: control.tap.listener is None)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"rubbish\n", "JSON"),
        (b"[]\n", "the order: "),
        (b'{"command":"stop"}\n', "command: "),
        (b'{"command":"record","model":"doubles","fraction":0}\n', "fraction: "),
        (b'{"command":"record","model":"doubles","also":1}\n', "also: "),
        (b'{"command":"record","model":"triples"}\n', "triples"),
        (b'{"command":"record","model":"doubles","redact":["y"]}\n', "cannot redact 'y'"),
        (b"x" * (2 * LONGEST_ORDER_BYTES) + b"\n", f"at most {LONGEST_ORDER_BYTES} bytes"),
    ],
    ids=["not JSON", "no object", "command", "fraction", "key", "model", "field", "too long"],
)
def test_an_order_that_cannot_be_carried_out_is_refused_with_its_reason(tmp_path: Path, line: bytes, told: str) -> None:
    async def run() -> Any:
        async with listening(tmp_path / "s"):
            return await answer_to(tmp_path / "s", line)

    assert told in asyncio.run(run())["error"]


def test_no_more_than_a_few_may_connect(tmp_path: Path) -> None:
    async def run() -> list[str]:
        async with listening(tmp_path / "s") as (control, _):
            connected = [await asyncio.open_unix_connection(tmp_path / "s") for _ in range(MOST_CONNECTIONS)]
            await until(lambda: len(control.connections) == MOST_CONNECTIONS)
            refused = await answer_to(tmp_path / "s", b"")
            connected.pop()[1].close()
            await until(lambda: len(control.connections) < MOST_CONNECTIONS)
            again = await answer_to(tmp_path / "s", b"{}\n")
            for _, writer in connected:
                writer.close()
            return [refused["error"], again["error"]]

    refused, again = asyncio.run(run())
    assert "are connected already" in refused
    assert "command" in again


def test_a_refused_order_leaves_no_file(tmp_path: Path) -> None:
    async def run() -> None:
        async with listening(tmp_path / "s"):
            with new_file(tmp_path / "out") as file:
                into = RecordFile(file, 1, asyncio.Event())
                wrong = RecordOrder(command="record", model="triples")
                await record_into(into, [tmp_path / "s"], wrong, seconds=1, began=print, tick=print, tick_seconds=1)

    with pytest.raises(BackendRejected, match="triples"):
        asyncio.run(run())
    assert [path.name for path in tmp_path.iterdir() if path.name != "s"] == []


def test_where_nobody_listens_it_is_told(tmp_path: Path) -> None:
    async def run() -> None:
        with control_listener(tmp_path / "s"), (tmp_path / "out").open("wb") as file:
            into = RecordFile(file, 1, asyncio.Event())
            await record_into(into, [tmp_path / "s"], ORDER, seconds=1, began=print, tick=print, tick_seconds=1)

    with pytest.raises(BackendUnavailable, match="no gateway answers"):
        asyncio.run(run())


def test_a_file_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="No such file"), new_file(tmp_path / "no" / "out"):
        pass


def test_a_recording_ends_by_itself_when_its_time_is_over(tmp_path: Path) -> None:
    async def run() -> RecordTotals:
        async with listening(tmp_path / "s"):
            with new_file(tmp_path / "out") as file:
                into = RecordFile(file, None, asyncio.Event())
                paths, ticks = [tmp_path / "s"], asyncio.Event()
                async with asyncio.timeout(BOUND_SECONDS):
                    await record_into(
                        into, paths, ORDER, seconds=0.02, began=print, tick=lambda _: ticks.set(), tick_seconds=0.001
                    )
            assert ticks.is_set()
            return into.totals

    totals = asyncio.run(run())
    assert (totals.written, totals.lost, len(totals.told)) == (0, 0, 1)
    assert (tmp_path / "out").read_bytes() == b""


def test_a_gateway_that_goes_away_is_counted_and_what_it_sent_is_kept(tmp_path: Path) -> None:
    async def end_early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b'{"ok": true}\n' + LENGTH.pack(3) + b"log" + LENGTH.pack(9) + b"cut")
        writer.close()

    async def run() -> RecordTotals:
        async with await asyncio.start_unix_server(end_early, tmp_path / "s"):

            async def work(_: RecordFile) -> None: ...

            return await recorded([tmp_path / "s"], tmp_path / "out", None, work)

    totals = asyncio.run(run())
    assert (totals.written, totals.lost, totals.told) == (1, 1, [])
    assert list(read_tfrecords((tmp_path / "out").read_bytes())) == [b"log"]
