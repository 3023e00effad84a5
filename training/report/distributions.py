"""A picture of the training split: each feature's values, from the manifest's sketches and the categories' counts."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from serving.contract.features import Feature
from serving.contract.manifest import Histogram
from serving.contract.tensors import Array
from training.report.drawing import BLUE, GREY, Picture, picture
from training.report.words import natural, short, squeezed

MOST_FEATURES = 18
MOST_CATEGORIES = 8
COLUMNS = 3


def count_categories(features: Sequence[Feature], columns: Mapping[str, Array]) -> dict[str, dict[str, int]]:
    """How often each category feature of `features` has each value in `columns`, the most frequent first."""
    counts = {}
    for feature in features:
        if feature.kind == "category":
            values, times = np.unique(columns[feature.name], return_counts=True)
            order = np.argsort(-times, kind="stable")
            counts[feature.name] = {natural(values[place]): int(times[place]) for place in order}
    return counts


def distribution_picture(
    features: Sequence[Feature],
    sketches: Mapping[str, Histogram],
    categories: Mapping[str, Mapping[str, int]],
) -> Picture | None:
    """One chart a feature, the first MOST_FEATURES of those that have something to show; None when none has."""
    charted = [feature for feature in features if feature.name in sketches or feature.name in categories]
    if not charted:
        return None
    shown = charted[:MOST_FEATURES]
    columns = min(COLUMNS, len(shown))
    lines = -(-len(shown) // columns)
    figure = Figure(figsize=(5.4 if columns == 1 else 2.9 * columns, 2.9 if columns == 1 else 2.1 * lines))
    charts = figure.subplots(lines, columns, squeeze=False).ravel()
    for feature, axes in zip(shown, charts, strict=False):
        _chart(axes, feature, sketches.get(feature.name), categories.get(feature.name, {}))
    for axes in charts[len(shown) :]:
        axes.set_axis_off()
    caption = "Features over the training split"
    if len(charted) > len(shown):
        caption += f": the first {len(shown)} of {len(charted)}"
    return picture("features", caption, figure, wide=columns > 1)


def _chart(axes: Axes, feature: Feature, sketch: Histogram | None, counts: Mapping[str, int]) -> None:
    unit = getattr(feature, "unit", "")
    axes.set_title(short(f"{feature.name} ({unit})" if unit else feature.name, 30), fontsize=9)
    axes.tick_params(labelsize=8)
    if counts:
        first = list(counts.items())[:MOST_CATEGORIES]
        axes.barh([squeezed(name, 16) for name, _ in first], [count for _, count in first], color=BLUE, alpha=0.85)
        axes.invert_yaxis()
        if len(counts) > len(first):
            axes.set_xlabel(f"and {len(counts) - len(first)} more", fontsize=8, color=GREY)
    elif sketch:
        axes.stairs(sketch.counts, sketch.edges, fill=True, color=BLUE, alpha=0.85)
        if feature.kind == "image":
            axes.set_xlabel("value of a pixel", fontsize=8)
