"""How every picture of a report looks, and how a figure becomes PNG bytes. What is drawn stands in its neighbours."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

SIZE_INCHES = (5.4, 3.9)
DOTS_PER_INCH = 144
"""Sharp at half its width, which is what a phone shows."""

BLUE, ORANGE, RED, GREEN, GREY = "#2563eb", "#ea7317", "#c81e1e", "#15803d", "#6b7280"
SEED = 0
"""Of the rows that are drawn where all of them would be a blot, so that the same run gives the same picture."""

STYLE: dict[Any, Any] = {  # matplotlib types its keys as a long list of literals
    "text.parse_math": False,  # a label such as "$5" is text
    "text.usetex": False,
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same picture on every machine
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.labelcolor": "#374151",
    "axes.edgecolor": "#9ca3af",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "grid.color": "#e5e7eb",
    "xtick.color": "#4b5563",
    "ytick.color": "#4b5563",
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
}


Size = Literal["small", "normal", "wide"]


@dataclass(frozen=True, slots=True)
class Picture:
    """`name` is the file's, without `.png`; `caption` says what is seen; `size` is the room it takes on the page."""

    name: str
    caption: str
    png: bytes
    size: Size = "normal"


@contextmanager
def drawing() -> Iterator[None]:
    """Figures made inside look alike, whatever the user's own matplotlibrc says. Not for several threads at once."""
    with mpl.rc_context(STYLE):
        yield


def new_figure(width: float = SIZE_INCHES[0], height: float = SIZE_INCHES[1]) -> tuple[Figure, Axes]:
    """A figure of one chart; sizes in inches."""
    figure = Figure(figsize=(width, height))
    return figure, figure.add_subplot()


def picture(name: str, caption: str, figure: Figure, size: Size = "normal") -> Picture:
    """`figure` as PNG."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # a script the font lacks shows as boxes; the page's own text has the label right
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH)
    return Picture(name, caption, buffer.getvalue(), size)


def sampled(rows: int, most: int) -> NDArray[np.int64]:
    """All row numbers, or `most` of them drawn with SEED, in order."""
    if rows <= most:
        return np.arange(rows, dtype=np.int64)
    return np.sort(np.random.default_rng(SEED).choice(rows, most, replace=False)).astype(np.int64)


def sample_note(rows: int, most: int) -> str:
    """What a picture says of `sampled`; empty when it shows every row."""
    return f"{most:,} of {rows:,} rows, drawn at random" if rows > most else ""
