from pathlib import Path

import numpy as np
import pytest

from loadtests.bench.errors import BenchError
from loadtests.bench.gpu import Round, connections_for, gpu, rounds_table
from loadtests.bench.image_call import Calls
from loadtests.bench.image_models import fed, most_apart, pictures, total_variation
from loadtests.bench.targets import figures
from loadtests.bench.wrk import WrkCount

PLAIN, COMPILED = Calls(0.1, 2_000, 2_500), Calls(0.02, 12_000, 14_000)
ROUND = Round(PLAIN, COMPILED, WrkCount(3_000, 1.0, 25.0, 38.0, 0, 0), rows=4, apart=0.03)
SURE, UNSURE = np.array([[0.9, 0.1]], np.float32), np.array([[0.6, 0.4]], np.float32)


def test_a_round_gives_the_figures_that_have_aims() -> None:
    assert ROUND.figures() == pytest.approx(
        {"profile_ratio": 6, "of_the_c_api_percent": 12_000 / 140, "images_per_second": 12_000, "p99_by_call": 1.9}
    )
    judged = figures({}, {name: [value] for name, value in ROUND.figures().items()})
    assert len(judged) == 4
    assert all(figure.reached for figure in judged)


def test_the_table_has_the_calls_alone_and_the_gateway() -> None:
    lines = rounds_table([ROUND]).splitlines()
    assert lines[2:5] == [
        "| C API, plain export | 2,000 | 2,500 | 100 |  |",
        "| C API, export profile gpu | 12,000 | 14,000 | 20 |  |",
        "| gateway, export profile gpu | 12,000 |  | 25 | 38 |",
    ]


@pytest.mark.parametrize(("batch", "rows", "connections"), [(256, 4, 96), (4, 2, 3), (1, 1, 2)])
def test_a_batch_and_a_half_is_under_way(batch: int, rows: int, connections: int) -> None:
    assert connections_for(batch, rows) == connections


def test_answers_that_are_off_are_no_result() -> None:
    two = np.concatenate([SURE, UNSURE])
    assert most_apart(two, two) == 0
    with pytest.raises(BenchError, match=r"0\.3 off the plain one's"):
        most_apart(np.concatenate([SURE, SURE]), two)
    with pytest.raises(BenchError, match="off the plain one's"):
        most_apart(np.full((2, 2), np.nan, np.float32), two)


def test_images_that_look_alike_are_no_test() -> None:
    alike = np.concatenate([SURE, SURE])
    with pytest.raises(BenchError, match="nothing could tell right from wrong"):
        most_apart(alike, alike)


def test_total_variation_is_what_one_answer_has_elsewhere() -> None:
    assert total_variation(SURE, UNSURE) == pytest.approx([0.3])


def test_images_differ_and_each_export_takes_the_same_ones() -> None:
    images = pictures(3, 20)
    assert images.shape == (3, 20, 20, 3)
    assert images.dtype == np.uint8
    assert (images[0] != images[1]).any()
    assert fed("gpu", images) is images
    plain = fed("cpu", images)
    assert plain.dtype == np.float32
    assert np.array_equal(np.rint(plain * 255), images)


@pytest.mark.parametrize("options", [["--rows", "0"], ["--rows", "300"], ["--rounds", "0"]])
def test_options_that_make_no_sense_are_refused(options: list[str], tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="--rows must be"):
        gpu([*options, "--output", str(tmp_path)])
