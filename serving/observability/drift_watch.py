"""Watches how far requests are from what versions were trained on, beside the hot path.

A sampled request costs the event loop a draw and an append; a thread counts its values into bins. Figures are put where
all workers' lie by the event loop, when somebody looks.
"""

import threading
from collections.abc import Collection, Sequence
from typing import NamedTuple

from serving.backend_protocol import Arrays
from serving.contract.manifest import Histogram
from serving.observability.cells import Cells
from serving.observability.drift_cells import SIZE, record
from serving.observability.drift_window import DriftWindow
from serving.observability.families import DRIFT
from serving.observability.outbox import Outbox

MOST_WAITING, MOST_WAITING_BYTES = 2_000, 64 * 1024 * 1024
NAME = "drift"


class Sampled(NamedTuple):
    """A request's decoded inputs, which nobody changes any more."""

    model: str
    version: int
    inputs: Arrays


class DriftWatch:
    """Of one process. `window_rows` is the part of the gateway's window that this worker keeps."""

    def __init__(self, window_rows: int) -> None:
        self._window_rows = window_rows
        self._windows: dict[tuple[str, int], DriftWindow] = {}
        self._lock = threading.Lock()
        self.outbox: Outbox[Sampled] = Outbox(NAME, self._count, most_items=MOST_WAITING, most_bytes=MOST_WAITING_BYTES)

    def watch(self, model: str, version: int, sketches: dict[str, Histogram]) -> bool:
        """Begin to; whether there is anything to watch."""
        with self._lock:
            window = self._windows.get((model, version))
            if window is None:
                window = self._windows[model, version] = DriftWindow(sketches, self._window_rows)
        return bool(window.features)

    def sampled(self, model: str, version: int, inputs: Arrays) -> None:
        self.outbox.offer(Sampled(model, version, inputs), sum(array.nbytes for array in inputs.values()))

    def publish(self, cells: Cells, live: Collection[tuple[str, int]]) -> None:
        """Put the figures of the `live` versions into `cells`, and empty those of versions that have gone."""
        with self._lock:
            for (model, version), window in list(self._windows.items()):
                is_live = (model, version) in live
                for feature in window.features:
                    expected = window.sketches[feature].counts
                    found = record(window.counts(feature), expected, window.rows) if is_live else [0.0] * SIZE
                    chunk, at = cells.slot((DRIFT, model, str(version), feature), SIZE)
                    for place, value in enumerate(found):
                        chunk[at + place] = value
                if not is_live:
                    del self._windows[model, version]

    def _count(self, sampled: Sequence[Sampled]) -> None:
        with self._lock:
            for key in dict.fromkeys(each[:2] for each in sampled):
                window = self._windows.get(key)
                if window is not None:
                    window.add([each.inputs for each in sampled if each[:2] == key])
