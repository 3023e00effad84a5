"""Who watches requests, from the start of the gateway to its end."""

import asyncio
from collections.abc import Sequence

from serving.observability.outbox import Outbox
from serving.observability.tracing import Traced, Tracing
from serving.observers import Observers


class Counted(Outbox[Traced]):
    closes = 0

    def close(self) -> None:
        self.closes += 1
        super().close()


class Sink:
    def __init__(self) -> None:
        self.is_closed = False

    def send(self, traced: Sequence[Traced]) -> None:
        """Takes them."""

    def close(self) -> None:
        self.is_closed = True


def test_a_stop_waits_for_each_thread_once_so_that_a_collector_that_hangs_holds_it_up_no_longer_than_is_said() -> None:
    sink = Sink()
    tracing = Tracing(1.0, sink)
    traces = tracing.outbox = Counted("trace", sink.send, most_items=1)
    lines = Counted("access_log", sink.send, most_items=1)
    observers = Observers(tracing=tracing, outboxes=[lines, traces])
    observers.start()
    asyncio.run(observers.close())
    assert (lines.closes, traces.closes, sink.is_closed) == (1, 1, True)
