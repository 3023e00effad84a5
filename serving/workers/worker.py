"""One worker: the gateway of `serving/serve.py`, told what to do over a channel, ended with whoever started it.

`python -m serving.workers.worker DESCRIPTOR`, where the descriptor is the worker's end of the channel.
"""

import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence

from serving.errors import PenstockError
from serving.observability.ledger import shared_ledger
from serving.serve import run_gateway
from serving.workers.channel import Report, read_order

ABANDONED_SECONDS = 10.0
"""Beyond the drain: a loop that does not end by then never will, and nobody is left to kill it."""


def main(argv: Sequence[str]) -> int:
    channel = socket.socket(fileno=int(argv[0]))
    if not (line := _first_line(channel)):  # the supervisor is gone, or could not keep this worker
        return 1
    order = read_order(line)
    patience = order.settings.drain_seconds + ABANDONED_SECONDS
    threading.Thread(target=_end_with_supervisor, args=(channel, patience), daemon=True).start()
    try:
        ledger = shared_ledger(order.files, order.number)
        run_gateway(order.settings, lambda text: channel.sendall(Report(ready=text).line()), ledger)
    except (PenstockError, OSError) as error:
        channel.sendall(Report(failed=str(error)).line())
        return 1
    return 0


def _first_line(channel: socket.socket) -> bytes:
    with channel.makefile("rb") as lines:
        return lines.readline()


def _end_with_supervisor(channel: socket.socket, patience_seconds: float) -> None:
    """A thread of its own, asleep until the channel ends: it ends a loop that hangs too."""
    while channel.recv(1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(patience_seconds)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
