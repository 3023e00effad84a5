"""The wall clock of whoever asks jumps a day while it waits to ask again: the wait is as long as the gateway said, and
the deadline stays, for both go by the monotonic clock.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from penstock_client import Client

from tests.conftest import absent
from tests.integration.chaos.faults.clocks import Clock, clock_library
from tests.integration.clients.gated_gateway import MODEL, GatedGateway, gated_gateway
from tests.processes import ROOT
from tests.swaps import until

NAMES = ("sync rest", "sync grpc", "async rest", "async grpc")
ROOM_ROWS, BOUND_SECONDS = 2, 60.0
LEAST_SECONDS = 1.0
"""Of a wait over REST: Retry-After has whole seconds."""
DAY = timedelta(days=1)


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    library = clock_library()
    return Clock(library, tmp_path / "time") if library else absent("needs libfaketime (Debian package libfaketime)")


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatedGateway]:
    with gated_gateway(tmp_path / "models", max_queue_rows=ROOM_ROWS) as gateway:
        yield gateway


@contextmanager
def filled(gateway: GatedGateway) -> Iterator[None]:
    """No room is left while it lasts; at its end those who had it are answered."""

    def ask() -> None:
        with Client(gateway.url, retries=None, timeout_seconds=BOUND_SECONDS) as client:
            client.predict(MODEL, {"x": 1.5})

    gateway.close_gate()
    with ThreadPoolExecutor(1 + ROOM_ROWS) as pool:
        calls = [pool.submit(ask)]
        until(lambda: gateway.in_flight() == 1)
        calls += [pool.submit(ask) for _ in range(ROOM_ROWS)]
        until(lambda: gateway.queued() == ROOM_ROWS)
        try:
            yield
        finally:
            gateway.open_gate()
        for call in calls:
            call.result(BOUND_SECONDS)


@contextmanager
def clients(gateway: GatedGateway, clock: Clock) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.integration.chaos.clock_clients", gateway.url, gateway.grpc_url]
    environment, pipe = {**os.environ, **clock.environment}, subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment, cwd=ROOT) as process:
        said(process)  # ready: the longer the room is taken, the longer is the wait that the gateway tells
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> Any:
    assert process.stdout
    return json.loads(process.stdout.readline())


def test_waits_retries_and_deadlines_of_a_client_go_on_when_its_clock_jumps(
    gateway: GatedGateway, clock: Clock
) -> None:
    with clients(gateway, clock) as process:
        assert process.stdin
        for jump in (DAY, -DAY):
            waits: dict[str, float] = {}
            with filled(gateway):
                process.stdin.write("ask\n")
                process.stdin.flush()
                while len(waits) < len(NAMES):
                    told = said(process)
                    waits[told["waits"]] = told["seconds"]
                clock.jump(jump)
            while "clients" not in (told := said(process)):
                waits[told["waits"]] = told["seconds"]
            assert abs(told["time"] - time.time() - jump.total_seconds()) < DAY.total_seconds() / 2
            assert {name: each["got"] for name, each in told["clients"].items()} == dict.fromkeys(NAMES, "3.0")
            assert all(told["clients"][name]["seconds"] >= waits[name] for name in NAMES)
            assert all(waits[name] >= LEAST_SECONDS for name in NAMES if "rest" in name)
