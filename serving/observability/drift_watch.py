"""Watches how far requests are from what versions were trained on, beside the hot path.

A sampled request costs the event loop a draw and an append; a thread counts its values into bins. Figures are put where
all workers' lie by the event loop, when somebody looks.
"""

from array import array
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from serving.answering.answer_cache import array_bytes
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


class Figures(NamedTuple):
    """Of one version's window at one moment: counts by bin of each feature."""

    rows: int
    counts: Mapping[str, Sequence[int]]


class DriftWatch:
    """Of one process. `window_rows` is the part of the gateway's window that this worker keeps.

    Nobody waits for anybody: windows are the thread's own once they are begun, and what the event loop reads are
    figures that the thread leaves behind whole, ten times a second.
    """

    def __init__(self, window_rows: int) -> None:
        self._window_rows = window_rows
        self._windows: dict[tuple[str, int], DriftWindow] = {}
        self._figures: dict[tuple[str, int], Figures] = {}
        self._counted: set[tuple[str, int]] = set()
        self.outbox: Outbox[Sampled] = Outbox(
            NAME, self._count, most_items=MOST_WAITING, most_bytes=MOST_WAITING_BYTES, idle=self._leave_figures
        )

    def watch(self, model: str, version: int, sketches: Mapping[str, Histogram]) -> bool:
        """Begin to; whether there is anything to watch."""
        window = self._windows.get((model, version))
        if window is None:
            window = self._windows[model, version] = DriftWindow(sketches, self._window_rows)
        return bool(window.features)

    def sampled(self, model: str, version: int, inputs: Arrays) -> None:
        self.outbox.offer(Sampled(model, version, inputs), sum(map(array_bytes, inputs.values())))

    def publish(self, cells: Cells, live: Collection[tuple[str, int]]) -> None:
        """Put the figures of the `live` versions into `cells`, and empty those of versions that have gone."""
        for key, window in list(self._windows.items()):
            figures = self._figures.get(key) if key in live else None
            for feature in window.features:
                found = [0.0] * SIZE
                if figures is not None:
                    found = record(figures.counts[feature], window.sketches[feature].counts, figures.rows)
                chunk, at = cells.slot((DRIFT, key[0], str(key[1]), feature), SIZE)
                chunk[at : at + SIZE] = memoryview(array("d", found))
            if key not in live:
                del self._windows[key]
                self._figures.pop(key, None)

    def _count(self, sampled: Sequence[Sampled]) -> None:
        for key in dict.fromkeys(each[:2] for each in sampled):
            window = self._windows.get(key)
            if window is not None:
                window.add([each.inputs for each in sampled if each[:2] == key])
                self._counted.add(key)

    def _leave_figures(self) -> None:
        while self._counted:
            key = self._counted.pop()
            window = self._windows.get(key)
            if window is not None:
                self._figures[key] = Figures(window.rows, {each: window.counts(each) for each in window.features})
