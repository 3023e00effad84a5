"""A trace as a waterfall: a bar for each span, under its parent, against time. The picture in docs/tracing.md
is what a test drew.
"""

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from tests.integration.observability.spans import Span

COLOURS = {"penstock": "#3b6ea5", "behind": "#c77d2b"}
WORDS = {"penstock": "gateway", "behind": "model server"}


def draw_waterfall(spans: list[Span], path: Path) -> None:
    """By the path's suffix; in an SVG the words are text. Times are milliseconds from the first span's beginning."""
    rows = list(_in_tree_order(spans))
    start = min(span["start_ns"] for span in spans)
    with mpl.rc_context({"svg.fonttype": "none", "font.family": "sans-serif"}):
        figure = Figure(figsize=(9, 0.42 * len(rows) + 1.2), layout="constrained")
        axes = figure.subplots()
        shown = set()
        for place, (_, span) in enumerate(rows):
            begin, length = (span["start_ns"] - start) / 1e6, (span["end_ns"] - span["start_ns"]) / 1e6
            service = span["service"]
            label = None if service in shown else WORDS[service]
            shown.add(service)
            axes.barh(place, max(length, 0.004), left=begin, color=COLOURS[service], height=0.62, label=label)
            axes.annotate(f"{length:.3f} ms", (begin + length, place), (4, 0), textcoords="offset points", va="center",
                          fontsize=8, color="#444")  # fmt: skip
        axes.set_yticks(range(len(rows)), ["\u2003" * depth + span["name"] for depth, span in rows], ha="left")
        axes.tick_params(axis="y", pad=120, length=0)
        axes.invert_yaxis()
        axes.set_xlabel("milliseconds since the request came")
        axes.margins(x=0.12)
        axes.set_xlim(left=0)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.grid(axis="x", color="#ddd", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.legend(frameon=False, loc="lower left")
        figure.savefig(path, dpi=130)


def _in_tree_order(spans: list[Span]) -> list[tuple[int, Span]]:
    """Each span behind its parent, with its depth."""
    known = {span["span_id"] for span in spans}
    children: dict[str, list[Span]] = {}
    for span in sorted(spans, key=lambda each: each["start_ns"]):
        children.setdefault(span["parent_id"] if span["parent_id"] in known else "", []).append(span)

    def below(parent: str, depth: int) -> list[tuple[int, Span]]:
        return [row for span in children.get(parent, []) for row in ((depth, span), *below(span["span_id"], depth + 1))]

    return below("", 0)
