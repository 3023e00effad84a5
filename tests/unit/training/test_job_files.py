"""Jobs by name and by path."""

from pathlib import Path

import pytest

from serving.errors import InvalidJob
from training.job_files import load_job, shipped_jobs


def test_every_shipped_job_parses_and_is_named_after_its_model() -> None:
    assert {"digits", "diabetes"} <= shipped_jobs().keys()
    for name in shipped_jobs():
        assert load_job(name).model == name
        assert load_job(name).description


def test_a_path_is_read_as_a_job(tmp_path: Path) -> None:
    copy = tmp_path / "mine.toml"
    copy.write_bytes(shipped_jobs()["digits"].read_bytes())
    assert load_job(str(copy)) == load_job("digits")


def test_unknown_name_is_told_which_there_are() -> None:
    with pytest.raises(InvalidJob, match=r"no job 'digit'; there are: .*diabetes, .*digits, "):
        load_job("digit")


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidJob, match=r"absent\.toml: No such file"):
        load_job(str(tmp_path / "absent.toml"))


@pytest.mark.parametrize("text", [b"model = ", b"\xff\xfe"])
def test_file_that_is_not_toml_is_named(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "bad.toml").write_bytes(text)
    with pytest.raises(InvalidJob, match=r"bad\.toml: not TOML"):
        load_job(str(tmp_path / "bad.toml"))


def test_lists_within_lists_by_the_thousand_are_refused(tmp_path: Path) -> None:
    (tmp_path / "deep.toml").write_text("model = " + "[" * 10_000)
    with pytest.raises(InvalidJob, match=r"deep\.toml: nested too deeply"):
        load_job(str(tmp_path / "deep.toml"))
