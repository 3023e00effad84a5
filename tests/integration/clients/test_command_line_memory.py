"""`penstock-predict` over a long stream: its memory does not grow with the rows."""

import os
import subprocess
import sys
import threading
from typing import IO

from tests.integration.clients.stand_in import StandIn

ROW = b'{"age": 59, "bmi": 32.1}\n'
FEW, MANY = 20_000, 200_000
ALLOWED_GROWTH_MEGABYTES = 8.0
"""Measured: 1 to 3. A row that is kept takes more than 200 bytes, so all of them 36 MB more at least."""


def _feed(pipe: IO[bytes], rows: int) -> None:
    with pipe:
        for _ in range(rows // 1000):
            pipe.write(ROW * 1000)


def peak_megabytes(stand_in: StandIn, rows: int) -> float:
    """Of the command while it reads a pipe of so many rows and all its answers are read."""
    command = [sys.executable, "-m", "penstock_client", "diabetes", "-", "--url", stand_in.url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        feeding = threading.Thread(target=_feed, args=(process.stdin, rows))
        feeding.start()
        answered = sum(1 for _ in process.stdout)
        feeding.join()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert (process.returncode, answered) == (0, rows)
    return used.ru_maxrss / 1000


def test_ten_times_the_rows_take_no_more_memory(stand_in: StandIn) -> None:
    growth = peak_megabytes(stand_in, MANY) - peak_megabytes(stand_in, FEW)
    assert growth < ALLOWED_GROWTH_MEGABYTES
