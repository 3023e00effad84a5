"""The supervisor where a worker cannot be had."""

import asyncio
import socket
from asyncio.subprocess import Process

import pytest

from serving.errors import BackendUnavailable
from serving.observability.ledger import make_shared_files
from serving.settings import load_settings
from serving.workers.supervisor import _Supervisor


class _WithoutThreads(_Supervisor):
    """As where the process may make no thread: Python 3.11 makes one to watch each child."""

    async def _start(self, channel: socket.socket) -> Process:
        del channel
        raise RuntimeError("can't start new thread")


def test_a_worker_that_nobody_can_watch_could_not_be_started() -> None:
    supervisor = _WithoutThreads(load_settings({"workers": 2}, {}, {}), make_shared_files(2), print)
    with pytest.raises(BackendUnavailable, match="worker 0 could not be started: can't start new thread"):
        asyncio.run(supervisor.run())
