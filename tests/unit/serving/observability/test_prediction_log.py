"""The prediction log from a request to its file."""

import json
from pathlib import Path

import numpy as np
import pytest

from serving.observability.prediction_log import MOST_WAITING_BYTES, PredictionLog
from serving.observability.prediction_log_files import Limits, PredictionFiles
from tests.unit.serving.observability.logged import SOURCE

LIMITS = Limits(file_bytes=10**6, file_seconds=60.0, total_bytes=10**9)


@pytest.fixture
def log(tmp_path: Path) -> PredictionLog:
    return PredictionLog(PredictionFiles(tmp_path, LIMITS), clock=lambda: 100.0)


def written(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for path in folder.glob("[!.]*") for line in path.read_text().splitlines()]


def test_what_was_asked_and_answered_is_in_a_whole_file_when_it_closes(log: PredictionLog, tmp_path: Path) -> None:
    x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    log.add(SOURCE, "mine-7", {"x": x, "name": np.array([b"secret"] * 2, object)}, {"y": y}, ["name"])
    x[:] = y[:] = 9.0  # somebody else's by now
    log.outbox.start()
    log.outbox.close()
    lines = written(tmp_path)
    assert [(line["inputs"], line["outputs"]) for line in lines] == [({"x": 1.0}, {"y": 3.0}), ({"x": 2.0}, {"y": 4.0})]
    assert not list(tmp_path.glob(".*"))


def test_what_finds_no_room_in_memory_is_dropped_and_counted(log: PredictionLog, tmp_path: Path) -> None:
    large = np.zeros((1, MOST_WAITING_BYTES // 8))
    log.add(SOURCE, "a", {"x": large}, {"y": np.zeros((1, 1))}, [])
    assert log.outbox.dropped == 1
    log.add(SOURCE, "b", {"x": np.zeros(1)}, {"y": np.zeros((1, 1))}, [])
    log.outbox.start()
    log.outbox.close()
    assert [line["request_id"] for line in written(tmp_path)] == ["b"]


def test_texts_weigh_what_they_hold(log: PredictionLog) -> None:
    picture = np.array([bytes(MOST_WAITING_BYTES)], object)  # of which numpy says that it takes 8 bytes
    log.add(SOURCE, "a", {"x": picture}, {"y": np.zeros((1, 1))}, [])
    assert log.outbox.dropped == 1


def test_a_folder_that_cannot_be_made_costs_the_records_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    log = PredictionLog(PredictionFiles(tmp_path / "file" / "log", LIMITS))
    log.add(SOURCE, "a", {"x": np.zeros(1)}, {"y": np.zeros((1, 1))}, [])
    log.outbox.start()
    log.outbox.close()
    assert log.outbox.dropped == 1
