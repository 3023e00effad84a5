"""The handler of the log: formats at once and writes in a thread, so that whoever does not read the log stops nobody.

Standard error is often a pipe, and a pipe that is full holds up its writer: without this, the event loop.
"""

import logging
import queue
import threading
from collections.abc import Callable

MOST_LINES = 1_000
CLOSE_SECONDS = 2.0
"""How long the end of the process waits for lines to be written."""


class ThreadedHandler(logging.Handler):
    """`write` gets one line at a time, its end included. Lines that find no room are lost; the next that does says how
    many.
    """

    def __init__(self, formatter: logging.Formatter, write: Callable[[bytes], object]) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self._write = write
        self._lines: queue.Queue[bytes | None] = queue.Queue(MOST_LINES)
        self._lost = 0
        self._thread = threading.Thread(target=self._run, name="penstock-log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Called under the handler's lock."""
        try:
            if self._lost:
                self._lines.put_nowait(self._line(_loss(self._lost)))
                self._lost = 0
            self._lines.put_nowait(self._line(record))
        except queue.Full:
            self._lost += 1
        except Exception:  # noqa: BLE001 - logging's own way with a record that cannot be shown
            self.handleError(record)

    def close(self) -> None:
        """Returns when every line is written, or after CLOSE_SECONDS. `logging` calls it at the end of the process."""
        try:
            self._lines.put(None, timeout=CLOSE_SECONDS)
            self._thread.join(CLOSE_SECONDS)
        except queue.Full:
            pass
        super().close()

    def _line(self, record: logging.LogRecord) -> bytes:
        return self.format(record).encode("utf-8", "backslashreplace") + b"\n"

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                self._write(line)
            except OSError:
                self._lost += 1  # nobody is there to be told but whoever reads later


def _loss(lines: int) -> logging.LogRecord:
    record = logging.makeLogRecord({"name": __name__, "levelno": logging.WARNING, "levelname": "WARNING"})
    record.msg, record.args = "%d lines of the log are lost: they could not be written", (lines,)
    record.__dict__ |= {"event": "log_lost", "lines": lines}
    return record
