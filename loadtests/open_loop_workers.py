"""Generator processes that share the arrivals of one run: each takes every n-th, and hands over a tally.

Spawned, not forked: the parent may have threads. They start together, on the clock that all processes share.
"""

import asyncio
import math
import multiprocessing
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Literal, TypeVar

import uvloop

from loadtests.grpc_connection import GrpcOpener, Metadata
from loadtests.http_connection import HttpOpener, http_target
from loadtests.open_loop import Load, Progress, run_load
from loadtests.open_loop_tally import Judge, Tally, merged, tally
from loadtests.wire import Opener

START_SECONDS = 0.1
"""From the order to start to the start, so that every process has it in time."""
OPEN_SECONDS, POLL_SECONDS = 60.0, 0.2
JOIN_SECONDS = 10.0
Turn = TypeVar("Turn")


class GeneratorFailed(Exception):
    """A process of the generator ended before its run did."""


@dataclass(frozen=True, slots=True)
class Order:
    """A load for one server: `target` is an `http://HOST:PORT` for REST, `HOST:PORT` for gRPC, whose calls all have
    the `metadata`.
    """

    protocol: Literal["rest", "grpc"]
    target: str
    load: Load
    judge: Judge
    metadata: Metadata = field(default=(), repr=False)

    def opener(self) -> Opener:
        """Raises ValueError for a URL that the generator cannot ask."""
        if self.protocol == "grpc":
            patience_seconds = min(self.judge.deadline_seconds, self.load.patience_seconds)
            return GrpcOpener(self.target, patience_seconds, self.metadata)
        return HttpOpener(*http_target(self.target))


Watch = Callable[[Sequence[Progress]], None]
"""Told about once a second how far each process is."""


def run_order(
    order: Order, processes: int, *, watch: Watch | None = None, began: Callable[[], None] | None = None
) -> Tally:
    """The whole load, made by `processes`. `began` is called when the first moment is near.

    Raises OSError when the server does not take connections, GeneratorFailed when a process ends before its time.
    """
    context = multiprocessing.get_context("spawn")
    workers: list[tuple[BaseProcess, Connection]] = []
    try:
        for part in shared(order, processes):
            ours, theirs = context.Pipe()
            worker: BaseProcess = context.Process(target=_work, args=(part, theirs), daemon=True)
            worker.start()
            theirs.close()
            workers.append((worker, ours))
        pipes = [pipe for _, pipe in workers]
        for pipe in pipes:
            _received(pipe, OPEN_SECONDS)
        started = time.perf_counter() + START_SECONDS
        for pipe in pipes:
            pipe.send(started)
        if began is not None:
            began()
        return merged(_watched(pipes, watch))
    finally:
        for worker, pipe in workers:
            pipe.close()
            worker.terminate()
            worker.join(JOIN_SECONDS)


def shared(order: Order, processes: int) -> list[Order]:
    """Every n-th arrival for each of the n: of a Poisson process's sum it stays one. Connections are shared out too."""
    load, count = order.load, max(1, min(processes, order.load.connections, len(order.load.due)))
    return [_part(order, load, first, count) for first in range(count)]


def _part(order: Order, load: Load, first: int, count: int) -> Order:
    connections = load.connections // count + (first < load.connections % count)
    mine = _in_turn(load.requests, first, count)
    part = replace(load, requests=mine, due=load.due[first::count], connections=connections)
    wanted = _in_turn(order.judge.wanted, first, count)
    return replace(order, load=part, judge=replace(order.judge, wanted=wanted))


def _in_turn(turns: Sequence[Turn], first: int, count: int) -> tuple[Turn, ...]:
    """What every `count`-th request from the `first` on has when all take `turns` in turn."""
    period = len(turns) // math.gcd(len(turns), count)
    return tuple(turns[(first + place * count) % len(turns)] for place in range(period))


def _work(order: Order, pipe: Connection) -> None:
    """In a process of its own: tells "open", waits for the start, tells its progress, then the tally or the error."""
    try:
        pipe.send(_run(order, pipe))
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return  # the parent gave up
    except (OSError, ValueError) as error:
        pipe.send(error)
    except Exception as error:  # noqa: BLE001 - the outermost frame of the process: raised again by the parent
        pipe.send(GeneratorFailed(f"{type(error).__name__}: {error}"))


def _run(order: Order, pipe: Connection) -> Tally:
    def started() -> float:
        pipe.send("open")
        return float(pipe.recv())

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return tally(runner.run(run_load(order.opener(), order.load, started=started, tell=pipe.send)), order.judge)


def _watched(pipes: Sequence[Connection], watch: Watch | None) -> list[Tally]:
    tallies: dict[Connection, Tally] = {}
    latest: dict[Connection, Progress] = {}
    fresh: set[Connection] = set()
    while len(tallies) < len(pipes):
        for pipe in pipes:
            if pipe in tallies or not pipe.poll(POLL_SECONDS / len(pipes)):
                continue
            message = _received(pipe)
            if isinstance(message, Tally):
                tallies[pipe] = message
            elif isinstance(message, Progress):
                latest[pipe] = message
                fresh.add(pipe)
        if watch is not None and fresh and len(fresh) >= len(pipes) - len(tallies):
            watch([each if pipe in fresh else replace(each, latencies=()) for pipe, each in latest.items()])
            fresh.clear()
    return [tallies[pipe] for pipe in pipes]


def _received(pipe: Connection, seconds: float | None = None) -> object:
    """Raises what the process raised, and GeneratorFailed when it ended or is silent for `seconds`."""
    if seconds is not None and not pipe.poll(seconds):
        raise GeneratorFailed(f"a process of the generator was not ready after {seconds:g} s")
    try:
        message = pipe.recv()
    except EOFError as error:
        raise GeneratorFailed("a process of the generator ended before its run did; is there memory enough?") from error
    if isinstance(message, Exception):
        raise message
    return message
