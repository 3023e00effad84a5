"""Files of the prediction log: whole or hidden, not too large, not too old, not too many."""

import errno
import json
import logging
from io import BytesIO
from pathlib import Path

import pytest

from serving.observability.prediction_log_files import OPEN, JsonLines, Limits, PredictionFiles
from serving.observability.prediction_records import LoggedPrediction, Source
from tests.unit.serving.observability.logged import SOURCE, prediction

ROOMY = Limits(file_bytes=10**6, file_seconds=60.0, total_bytes=10**9)


def files(folder: Path, limits: Limits = ROOMY) -> PredictionFiles:
    return PredictionFiles(folder, limits, wall=lambda: 1_800_000_000.0)


def finished(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def ids(path: Path) -> list[str]:
    return [json.loads(line)["request_id"] for line in path.read_text().splitlines()]


def test_a_file_is_hidden_until_it_is_whole(tmp_path: Path) -> None:
    log = files(tmp_path / "log")
    log.write([prediction("a"), prediction("b")], 0.0)
    (hidden,) = (tmp_path / "log").iterdir()
    assert (hidden.name[0], hidden.name.endswith(OPEN), ids(hidden)) == (".", True, ["a", "b"])
    log.close()
    (path,) = finished(tmp_path / "log")
    assert path.name.startswith("20270115T080000000000-")
    assert path.name.endswith("-digits-3-serving_default.jsonl")
    assert ids(path) == ["a", "b"]


def test_each_version_and_signature_has_files_of_its_own(tmp_path: Path) -> None:
    log = files(tmp_path)
    sources = [SOURCE, Source("digits", 4, "serving_default"), Source("digits", 4, "a/b")]
    log.write([prediction(source=source) for source in sources], 0.0)
    log.close()
    assert len(finished(tmp_path)) == 3


def test_a_file_ends_when_it_is_large_enough(tmp_path: Path) -> None:
    log = files(tmp_path, Limits(file_bytes=300, file_seconds=60.0, total_bytes=10**9))
    for number in range(5):
        log.write([prediction(str(number))], 0.0)
    log.close()
    assert [ids(path) for path in finished(tmp_path)] == [["0", "1"], ["2", "3"], ["4"]]


def test_a_file_ends_when_it_is_old_enough(tmp_path: Path) -> None:
    log = files(tmp_path)
    log.write([prediction("a")], 10.0)
    log.rotate(69.9)
    assert finished(tmp_path) == []
    log.rotate(70.0)
    assert [ids(path) for path in finished(tmp_path)] == [["a"]]


def test_the_oldest_go_when_all_together_are_too_large_and_nobody_elses(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x" * 5_000)
    log = files(tmp_path, Limits(file_bytes=1, file_seconds=60.0, total_bytes=700))
    for number in range(6):
        log.write([prediction(str(number))], float(number))
    assert [ids(path)[0] for path in finished(tmp_path) if path.suffix == ".jsonl"] == ["3", "4", "5"]
    assert (tmp_path / "notes.txt").exists()


def test_whole_lines_that_a_killed_process_left_are_saved(tmp_path: Path) -> None:
    (tmp_path / f".2027-1-digits.jsonl{OPEN}").write_bytes(b'{"request_id": "a"}\n{"request_id": "b"')
    (tmp_path / f".2027-2-digits.jsonl{OPEN}").write_bytes(b"")
    (tmp_path / f".2027-3-digits.parquet{OPEN}").write_bytes(b"PAR1...")
    files(tmp_path).save_leftovers()
    assert [path.name for path in tmp_path.iterdir()] == ["2027-1-digits.jsonl"]
    assert ids(tmp_path / "2027-1-digits.jsonl") == ["a"]


def test_what_a_process_that_lives_has_open_is_left_alone(tmp_path: Path) -> None:
    living = files(tmp_path)
    living.write([prediction("a")], 0.0)
    files(tmp_path).save_leftovers()
    assert finished(tmp_path) == []
    living.close()
    assert [ids(path) for path in finished(tmp_path)] == [["a"]]


def test_after_a_failure_half_a_line_has_nothing_behind_it(tmp_path: Path) -> None:
    class Full(JsonLines):
        def __init__(self, file: BytesIO) -> None:
            super().__init__(file)
            self.file = file

        def write(self, prediction: LoggedPrediction, time_seconds: float) -> None:
            if prediction.request_id == "full":
                self.file.write(b'{"request_id": "fu')
                raise OSError("no space left")
            super().write(prediction, time_seconds)

    log = PredictionFiles(tmp_path, ROOMY, Full, wall=lambda: 1_800_000_000.0)  # type: ignore[arg-type]  # bytes alike
    with pytest.raises(OSError, match="no space"):
        log.write([prediction("a"), prediction("full"), prediction("lost")], 0.0)
    log.write([prediction("b")], 1.0)
    log.close()
    assert [ids(path) for path in finished(tmp_path)] == [["a"], ["b"]]


class Unending(JsonLines):
    """A file that cannot be ended where it holds a prediction `bad`, as on a disk that filled up meanwhile."""

    is_bad = False

    def write(self, prediction: LoggedPrediction, time_seconds: float) -> None:
        self.is_bad |= prediction.request_id == "bad"
        super().write(prediction, time_seconds)

    def end(self) -> None:
        if self.is_bad:
            raise OSError(errno.ENOSPC, "no space left")


def test_a_file_that_cannot_be_ended_costs_the_others_nothing_and_is_not_left_open(tmp_path: Path) -> None:
    log = PredictionFiles(tmp_path, ROOMY, Unending, wall=lambda: 1_800_000_000.0)
    log.write([prediction("bad"), prediction("b", source=Source("digits", 4, "serving_default"))], 0.0)
    with pytest.raises(OSError, match="no space"):
        log.close()
    assert sorted(ids(path)[0] for path in tmp_path.iterdir() if not path.name.startswith(".")) == ["b", "bad"]
    assert list(tmp_path.glob(".*")) == []


def test_a_disk_that_stays_full_leaves_no_files_and_is_told_by_the_failure_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Full(JsonLines):
        def write(self, prediction: LoggedPrediction, time_seconds: float) -> None:
            del prediction, time_seconds
            raise OSError(errno.ENOSPC, "no space left")

    log = PredictionFiles(tmp_path, ROOMY, Full, wall=lambda: 1_800_000_000.0)
    with caplog.at_level(logging.DEBUG):
        for _ in range(3):
            with pytest.raises(OSError, match="no space"):
                log.write([prediction("a")], 0.0)
    assert (list(tmp_path.iterdir()), caplog.records) == ([], [])
