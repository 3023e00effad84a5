"""`penstock bench compare` from files to its exit code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.compare import NotComparable
from loadtests.compare_verb import compare_files, compared


def bench_file(path: Path, *, slower: float = 1.0, processor: str = "one") -> Path:
    samples = [
        {"requests": 100, "seconds": slower * wobble, "cpu_seconds": 1.0, "p50_ms": slower, "p99_ms": 2 * slower}
        for wobble in (1.0, 1.01, 0.99, 1.02)
    ]
    machine = {"processor": processor, "load before the run": str(slower)}
    path.write_text(json.dumps({"machine": machine, "rows": {"json": {"clock": "wall", "samples": samples}}}))
    return path


def verb(*paths: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "loadtests", "compare", *map(str, paths)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={"COLUMNS": "120"})


def test_a_regression_ends_with_1_and_its_rows_say_so(tmp_path: Path) -> None:
    done = verb(bench_file(tmp_path / "a.json"), bench_file(tmp_path / "b.json", slower=1.5))
    assert done.returncode == 1, done.stderr
    assert sum(line.rstrip().endswith(" worse") for line in done.stdout.splitlines()) == 3
    assert "3 of 3 figures worse by more than 5%" in done.stdout
    assert "load before" not in done.stdout


def test_equal_files_have_nothing_worse_and_other_machines_are_named(tmp_path: Path) -> None:
    found = compared(bench_file(tmp_path / "a.json"), bench_file(tmp_path / "b.json", processor="two"), 1)
    assert found.worse(0.05) == []
    assert found.differences == ("processor: one and two",)


@pytest.mark.parametrize("content", ["no JSON", "[]", "{}", '{"generator": "open_loop"}', '{"rows": {"json": 1}}'])
def test_what_cannot_be_compared_says_why(tmp_path: Path, content: str) -> None:
    (other := tmp_path / "b.json").write_text(content)
    with pytest.raises(NotComparable):
        compared(bench_file(tmp_path / "a.json"), other, 1)


def test_a_file_that_is_not_there_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare_files([str(bench_file(tmp_path / "a.json")), str(tmp_path / "none.json")]) == 2
    assert "none.json" in capsys.readouterr().err
