"""Single rows of the test split with truth and answer: pictures of images, a table of everything else.

The wrong ones come first, since those are the ones worth looking at.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from serving.contract.features import ImageFeature
from serving.contract.manifest import Classification
from serving.contract.tensors import Array
from training.report.drawing import GREEN, RED, SEED, Picture, picture
from training.report.facts import ReportFacts, Table
from training.report.words import natural, number, short, squeezed

SAMPLES = 20
MOST_BAD = 12
"""Of SAMPLES, so that there are ordinary ones to compare with."""
MOST_COLUMNS = 12
IMAGES_A_LINE = 4
CELL_WIDTH, CELL_HEIGHT, WORDS_HEIGHT, CELL_MARGIN = 1.4, 1.8, 0.45, 0.06
"""Of the room that an image has, in inches."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One row of the test split in words; `right` is None where there is only more or less."""

    row: int
    truth: str
    answer: str
    how: str
    right: bool | None


def samples(facts: ReportFacts) -> list[Sample]:
    """A classifier's surest mistakes or a regressor's largest errors, then other rows drawn with a fixed seed."""
    if isinstance(facts.manifest.outputs, Classification):
        return _class_samples(facts, facts.manifest.outputs.labels)
    predicted, true = facts.answers[:, 0].astype(np.float64), facts.truth.astype(np.float64)
    left = predicted - true
    rows = _bad_then_others(np.abs(left), np.ones(len(left), np.bool_))
    return [
        Sample(row, number(float(true[row])), number(float(predicted[row])), f"{left[row]:+.4g}", right=None)
        for row in rows
    ]


def _class_samples(facts: ReportFacts, labels: tuple[str, ...]) -> list[Sample]:
    answers, truth = facts.answers.argmax(axis=1), facts.truth.astype(np.int64)
    confidence = facts.answers.max(axis=1)
    return [
        Sample(
            row,
            labels[truth[row]],
            labels[answers[row]],
            f"{confidence[row]:.2f}",
            right=bool(answers[row] == truth[row]),
        )
        for row in _bad_then_others(confidence, answers != truth)
    ]


def _bad_then_others(badness: NDArray[np.floating], is_bad: NDArray[np.bool_]) -> list[int]:
    bad = np.flatnonzero(is_bad)
    worst = bad[np.argsort(-badness[bad], kind="stable")][:MOST_BAD]
    others = np.setdiff1d(np.arange(len(badness)), bad if len(bad) <= MOST_BAD else worst)
    drawn = np.random.default_rng(SEED).permutation(others)[: SAMPLES - len(worst)]
    return [int(row) for row in (*worst, *drawn)]


def sample_pictures(facts: ReportFacts, chosen: Sequence[Sample]) -> list[Picture]:
    """One for each image feature."""
    return [
        _images(facts.inputs[feature.name], feature, chosen, f"sample_images_{place}")
        for place, feature in enumerate(facts.manifest.features, start=1)
        if isinstance(feature, ImageFeature)
    ]


def _images(column: Array, feature: ImageFeature, chosen: Sequence[Sample], name: str) -> Picture:
    """In one chart measured in inches: a chart for each image takes four times as long to lay out."""
    lines = -(-len(chosen) // IMAGES_A_LINE)
    figure = Figure(figsize=(IMAGES_A_LINE * CELL_WIDTH, lines * CELL_HEIGHT))
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    shown = column[[sample.row for sample in chosen]].astype(np.float64)
    low, high = feature.range or ((0, 255) if feature.dtype == "uint8" else (shown.min(), shown.max()))
    scaled = np.clip((shown - low) / ((high - low) or 1.0), 0, 1)
    for place, (pixels, sample) in enumerate(zip(scaled, chosen, strict=True)):
        line, column_of_it = divmod(place, IMAGES_A_LINE)
        _image(axes, pixels, sample, (column_of_it + 0.5) * CELL_WIDTH, line * CELL_HEIGHT)
    axes.set(xlim=(0, IMAGES_A_LINE * CELL_WIDTH), ylim=(lines * CELL_HEIGHT, 0), aspect="auto")
    told = "" if chosen[0].right is None else "; red is wrong"
    caption = f"{short(feature.name, 60)}: truth, and below it the answer and how sure or how far off{told}"
    return picture(name, caption, figure)


def _image(axes: Axes, pixels: NDArray[np.float64], sample: Sample, middle: float, top: float) -> None:
    """Its words and below them its pixels, as large as its cell lets them be."""
    color = {True: GREEN, False: RED, None: "#111827"}[sample.right]
    title = f"{squeezed(sample.truth, 18)}\n→ {squeezed(sample.answer, 13)}  {sample.how}"
    axes.text(middle, top + CELL_MARGIN, title, fontsize=10, color=color, ha="center", va="top")
    room_width, room_height = CELL_WIDTH - 2 * CELL_MARGIN, CELL_HEIGHT - WORDS_HEIGHT - CELL_MARGIN
    inches = min(room_width / pixels.shape[1], room_height / pixels.shape[0])
    half, above = inches * pixels.shape[1] / 2, top + WORDS_HEIGHT
    extent = (middle - half, middle + half, above + inches * pixels.shape[0], above)
    values = pixels.squeeze(-1) if pixels.shape[2:] == (1,) else pixels
    axes.imshow(values, cmap="gray", vmin=0, vmax=1, extent=extent)


def sample_table(facts: ReportFacts, chosen: Sequence[Sample]) -> Table:
    """Truth, answer and the first MOST_COLUMNS features that are no image, a row each."""
    features = [feature for feature in facts.manifest.features if not isinstance(feature, ImageFeature)]
    shown = features[:MOST_COLUMNS]
    is_classifier = isinstance(facts.manifest.outputs, Classification)
    title = "Sample predictions, the wrong ones first" if is_classifier else "Sample predictions, the worst first"
    if len(features) > len(shown):
        title += f" ({len(shown)} of {len(features)} features)"
    how = "probability" if is_classifier else "predicted less true"
    return Table(
        title,
        ("test row", "truth", "answer", how, *(feature.name for feature in shown)),
        tuple(
            (
                str(sample.row),
                sample.truth,
                sample.answer,
                sample.how,
                *(natural(facts.inputs[feature.name][sample.row]) for feature in shown),
            )
            for sample in chosen
        ),
    )
