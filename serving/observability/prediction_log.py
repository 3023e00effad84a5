"""The prediction log: sampled requests as they were asked and answered, kept in files.

A request that is drawn costs the event loop copies of its rows and an append; a thread writes. What finds no room in
memory is dropped and counted: the log never slows a request.
"""

import time
from collections.abc import Callable, Sequence

from serving.answering.answer_cache import array_bytes
from serving.backend_protocol import Arrays
from serving.observability.outbox import Outbox
from serving.observability.prediction_log_files import PredictionFiles
from serving.observability.prediction_records import LoggedPrediction, Source

MOST_WAITING, MOST_WAITING_BYTES = 2_000, 64 * 1024 * 1024
"""Some seconds of a disk that stalls, and no more memory than that."""
NAME = "prediction_log"


class PredictionLog:
    """Of one process; `files` belong to its thread."""

    def __init__(self, files: PredictionFiles, clock: Callable[[], float] = time.monotonic) -> None:
        self._files, self._clock = files, clock
        self._has_looked = False
        self.outbox: Outbox[LoggedPrediction] = Outbox(
            NAME, self._write, most_items=MOST_WAITING, most_bytes=MOST_WAITING_BYTES, idle=self._tidy
        )

    def add(self, source: Source, request_id: str, inputs: Arrays, outputs: Arrays, redact: Sequence[str]) -> None:
        """Copies, for the arrays may be views of a request's body or of a whole batch, which nobody wants to keep."""
        kept = {name: array.copy() for name, array in inputs.items() if name not in redact}
        answered = {name: array.copy() for name, array in outputs.items()}
        nbytes = sum(array_bytes(array) for arrays in (kept, answered) for array in arrays.values())
        self.outbox.offer(LoggedPrediction(source, request_id, self._clock(), kept, answered), nbytes)

    def _write(self, predictions: Sequence[LoggedPrediction]) -> None:
        self._files.write(predictions, self._clock())

    def _tidy(self) -> None:
        """After every look. The first sees to what others have left; after the last no file may be open."""
        if not self._has_looked:
            self._has_looked = True
            self._files.save_leftovers()
        if self.outbox.is_closing:
            self._files.close()
        else:
            self._files.rotate(self._clock())
