"""The picture of an overload, drawn of a made-up run."""

from pathlib import Path

import numpy as np
from PIL import Image

from loadtests.bench.chart import OURS
from loadtests.bench.overload_chart import LATE, REFUSED, draw_overload
from loadtests.bench.overload_course import Course
from tests.unit.loadtests.bench.test_overload_figures import made_run


def test_the_picture_has_answers_refusals_and_what_was_too_late(tmp_path: Path) -> None:
    due = [number / 20 for number in range(240)]
    run = made_run(*[(at, (200, 503, 504)[number % 3], 0.01 * (1 + number % 3)) for number, at in enumerate(due)])
    path = tmp_path / "overload.png"
    draw_overload(run, Course(5.0, 2.0), peak=20.0, deadline_seconds=0.25, path=path)
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(np.int32) @ (1 << 16, 1 << 8, 1)
    colours = {f"#{pixel:06x}" for pixel in np.unique(pixels).tolist()}
    assert {OURS, REFUSED, LATE} <= colours
