"""Whose trials a folder holds."""

from pathlib import Path
from typing import Any

import pytest

from serving.errors import InvalidJob
from training.job import JobSpec, parse_job
from training.search_folder import TRIALS, search_folder

Content = dict[str, Any]


@pytest.fixture
def searching(content: Content) -> Content:
    space = [{"key": "fit.batch_rows", "low": 4, "high": 8}]
    return content | {"search": {"method": "random", "trials": 3, "seed": 1, "space": space}}


def job(content: Content, **search: object) -> JobSpec:
    return parse_job(content | {"search": content["search"] | search}, "mine.toml")


def use(folder: Path, of: JobSpec, *, fresh: bool = False) -> None:
    with search_folder(folder, of, fresh=fresh):
        (folder / TRIALS).mkdir(exist_ok=True)


def test_folder_is_made_and_taken_up_again(tmp_path: Path, searching: Content) -> None:
    use(tmp_path / "a" / "b", job(searching))
    use(tmp_path / "a" / "b", job(searching))
    assert (tmp_path / "a" / "b" / TRIALS).exists()


def test_more_trials_and_other_words_are_the_same_search(tmp_path: Path, searching: Content) -> None:
    use(tmp_path, job(searching))
    use(tmp_path, job(searching | {"description": "other words"}, trials=30))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"fit": {"epochs": 6, "batch_rows": 4, "patience_epochs": 2, "seed": 1}}, ": fit differ"),
        ({"optimisation": {"learning_rate": 0.1}}, ": optimisation differ"),
    ],
)
def test_trials_of_another_job_are_refused(tmp_path: Path, searching: Content, changes: Content, told: str) -> None:
    use(tmp_path, job(searching))
    with pytest.raises(InvalidJob, match=f"another search{told}.*--fresh"):
        use(tmp_path, job(searching | changes))


def test_another_space_is_refused_until_a_fresh_start(tmp_path: Path, searching: Content) -> None:
    other = job(searching, space=[{"key": "fit.batch_rows", "low": 4, "high": 9}])
    use(tmp_path, job(searching))
    (tmp_path / "mine.txt").touch()
    with pytest.raises(InvalidJob, match="search differ"):
        use(tmp_path, other)
    (tmp_path / TRIALS / "old").touch()
    use(tmp_path, other, fresh=True)
    assert not (tmp_path / TRIALS / "old").exists()
    assert (tmp_path / "mine.txt").exists(), "only the trials are ours to remove"
    use(tmp_path, other)


def test_one_process_at_a_time(tmp_path: Path, searching: Content) -> None:
    with (
        search_folder(tmp_path, job(searching), fresh=False),
        pytest.raises(InvalidJob, match="another process searches"),
        search_folder(tmp_path, job(searching), fresh=False),
    ):
        pass
