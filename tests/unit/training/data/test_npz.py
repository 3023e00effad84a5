"""Rows from numpy's own files."""

from pathlib import Path

import numpy as np
import pytest

from serving.errors import InvalidJob
from training.data.npz import read_npz
from training.data.spec import NpzSpec

PARTS = NpzSpec(
    source="npz",
    path="",
    arrays={"image": ("x_train", "x_test")},
    target=("y_train", "y_test"),
    only_listed_labels=False,
)


def saved(folder: Path, **arrays: object) -> NpzSpec:
    np.savez(folder / "data.npz", **arrays)  # type: ignore[arg-type]  # objects are what one test saves
    return PARTS.model_copy(update={"path": str(folder / "data.npz")})


def test_parts_are_joined_and_the_second_is_the_datas_own_test_rows(tmp_path: Path) -> None:
    spec = saved(tmp_path, x_train=np.zeros((3, 2, 2)), y_train=[1, 0, 1], x_test=np.ones((2, 2, 2)), y_test=[0, 1])
    dataset = read_npz(spec)
    assert dataset.columns["image"].shape == (5, 2, 2)
    assert dataset.target.tolist() == ["1", "0", "1", "0", "1"]
    assert dataset.held_out is not None
    assert dataset.held_out.tolist() == [False, False, False, True, True]


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"x_train": [[1]], "y_train": [1], "y_test": [1]}, "no array x_test; there are: x_train, y_train, y_test"),
        ({"x_train": [[1]], "x_test": [1], "y_train": [1], "y_test": [1]}, "x_train, x_test cannot be joined"),
        ({"x_train": [1], "x_test": [1, 2], "y_train": [1], "y_test": [1]}, "image has 3 rows, the target 2"),
        ({"x_train": np.array([{}], dtype=object)}, "not an .npz file of plain arrays"),
    ],
)
def test_wrong_file_is_named_with_what_is_wrong(tmp_path: Path, arrays: dict[str, object], told: str) -> None:
    with pytest.raises(InvalidJob, match=told):
        read_npz(saved(tmp_path, **arrays))


def test_absent_file_and_other_content_are_named(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("not numpy's")
    for name, told in (("none.npz", "No such file"), ("text.npz", "not an .npz file")):
        with pytest.raises(InvalidJob, match=told):
            read_npz(PARTS.model_copy(update={"path": str(tmp_path / name)}))
