"""Pictures of the training split: each feature's values, from the manifest's sketches and the categories' counts."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator

from serving.contract.features import Feature
from serving.contract.manifest import Histogram
from serving.contract.tensors import Array
from training.report.drawing import BLUE, Picture, new_figure, picture
from training.report.words import natural, squeezed

MOST_FEATURES = 18
MOST_CATEGORIES = 6


def count_categories(features: Sequence[Feature], columns: Mapping[str, Array]) -> dict[str, dict[str, int]]:
    """How often each category feature of `features` has each value in `columns`, the most frequent first."""
    counts = {}
    for feature in features:
        if feature.kind == "category":
            values, times = np.unique(columns[feature.name], return_counts=True)
            order = np.argsort(-times, kind="stable")
            counts[feature.name] = {natural(values[place]): int(times[place]) for place in order}
    return counts


def distribution_pictures(
    features: Sequence[Feature],
    sketches: Mapping[str, Histogram],
    categories: Mapping[str, Mapping[str, int]],
) -> list[Picture]:
    """One a feature, of the first MOST_FEATURES that have something to show."""
    charted = [feature for feature in features if feature.name in sketches or feature.name in categories]
    return [
        _chart(f"feature_{place}", feature, sketches.get(feature.name), categories.get(feature.name, {}))
        for place, feature in enumerate(charted[:MOST_FEATURES], start=1)
    ]


def _chart(name: str, feature: Feature, sketch: Histogram | None, counts: Mapping[str, int]) -> Picture:
    figure, axes = new_figure(2.7, 1.9)
    axes.tick_params(labelsize=8)
    unit = getattr(feature, "unit", "")
    caption = f"{feature.name} ({unit})" if unit else feature.name
    if counts:
        first = list(counts.items())[:MOST_CATEGORIES]
        places = range(len(first))
        axes.barh(places, [count for _, count in first], color=BLUE, alpha=0.85)
        axes.set_yticks(places, [squeezed(value, 14) for value, _ in first])
        axes.invert_yaxis()
        if len(counts) > len(first):
            caption += f", and {len(counts) - len(first):,} more values"
    elif sketch:
        axes.stairs(sketch.counts, sketch.edges, fill=True, color=BLUE, alpha=0.85)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.yaxis.set_major_formatter("{x:,.6g}")
        if feature.kind == "image":
            caption += ", by pixel"
    return picture(name, caption, figure, "small")
