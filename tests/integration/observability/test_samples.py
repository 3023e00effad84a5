"""The prediction log and drift of a real gateway of two workers, one of which is killed."""

import json
import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pyarrow.parquet as pq
import pytest

from serving.contract.manifest import Histogram
from tests.doubles import doubles_manifest, publish_in_miniature
from tests.processes import START_SECONDS, GatewayProcess, StartGateway

Found = TypeVar("Found")
TRAINED = Histogram(edges=(0.0, 1.0, 2.0, 3.0, 4.0), counts=(250, 250, 250, 250))
ROWS = 600
SETTINGS = """
prediction_log = {folder}
drift_window_rows = 100000
[model.doubles]
prediction_log_share = 1.0
drift_share = 1.0
"""


@pytest.fixture(scope="module")
def log_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("samples") / "log"


@pytest.fixture(scope="module")
def two(
    start_gateway_session: StartGateway, tmp_path_factory: pytest.TempPathFactory, log_folder: Path
) -> GatewayProcess:
    folder = tmp_path_factory.mktemp("doubles")
    publish_in_miniature(folder / "models", doubles_manifest(sketches={"x": TRAINED}))
    (folder / "penstock.toml").write_text(SETTINGS.format(folder=json.dumps(str(log_folder))))
    return start_gateway_session(
        *("--models", str(folder / "models"), "--backend", "in_memory", "--workers", "2"),
        *("--settings", str(folder / "penstock.toml")),
        PENSTOCK_POLL_SECONDS="0.1",
    )


def until(look: Callable[[], Found | None]) -> Found:
    """What is found, looked for again and again within a bound."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if (found := look()) is not None:
            return found
        threading.Event().wait(0.05)
    pytest.fail("it never came")


def samples(gateway: GatewayProcess, name: str) -> list[float]:
    return [float(value) for value in re.findall(rf"^{name}{{[^}}]*}} (\S+)$", gateway.get("/metrics"), re.MULTILINE)]


def logged_lines(folder: Path, pattern: str = "[!.]*") -> list[dict[str, object]]:
    return [json.loads(line) for path in folder.glob(pattern) for line in path.read_text().splitlines()]


def test_drift_is_seen_over_all_workers_in_the_metrics_and_in_the_statistics(two: GatewayProcess) -> None:
    for _ in range(ROWS // 10):  # a connection each, so that both workers get some
        two.post("/v1/models/doubles:predict", json.dumps({"instances": [3.5] * 10}).encode())
    until(lambda: True if samples(two, "penstock_feature_drift_rows") == [float(ROWS)] else None)
    (psi,) = samples(two, "penstock_feature_drift_psi")
    assert psi > 0.2
    (found,) = two.get("/v2/models/doubles/stats")["drift"]
    assert (found["version"], found["feature"], found["rows"]) == ("1", "x", ROWS)
    assert found["psi"] == pytest.approx(psi)


def test_what_a_killed_worker_had_written_is_kept_and_every_file_is_whole(
    two: GatewayProcess, log_folder: Path
) -> None:
    def all_there() -> bool | None:
        return True if len(logged_lines(log_folder, ".*.open")) == ROWS else None

    until(all_there)
    pids = {int(path.name.split("-")[1]) for path in log_folder.iterdir()}
    assert len(pids) == 2
    ups = sum("is up (process" in line for line in two.log)
    os.kill(min(pids), signal.SIGKILL)
    until(lambda: True if sum("is up (process" in line for line in two.log) > ups else None)
    until(lambda: list(log_folder.glob("[!.]*")) or None)
    two.post("/v1/models/doubles:predict", json.dumps({"instances": [1.0]}).encode())
    assert two.stop() == 0
    lines = logged_lines(log_folder)
    assert not list(log_folder.glob(".*"))
    assert len(lines) == ROWS + 1
    assert {json.dumps([line["inputs"], line["outputs"]]) for line in lines} == {
        '[{"x": 3.5}, {"value": [0.0]}]',
        '[{"x": 1.0}, {"value": [0.0]}]',
    }
    assert set(Counter(str(line["request_id"]) for line in lines).values()) == {10, 1}


def test_as_parquet_it_is_a_table(start_gateway: StartGateway, tmp_path: Path) -> None:
    publish_in_miniature(tmp_path / "models", doubles_manifest())
    settings = tmp_path / "penstock.toml"
    settings.write_text(SETTINGS.format(folder=json.dumps(str(tmp_path / "log"))))
    gateway = start_gateway(
        *("--models", str(tmp_path / "models"), "--backend", "in_memory", "--settings", str(settings)),
        PENSTOCK_PREDICTION_LOG_FORMAT="parquet",
    )
    for value in range(3):
        gateway.post("/v1/models/doubles:predict", json.dumps({"instances": [float(value)]}).encode())
    assert gateway.stop() == 0
    (path,) = (tmp_path / "log").iterdir()
    table = pq.read_table(path)
    assert sorted(table.column("input.x").to_pylist()) == [0.0, 1.0, 2.0]
    assert set(table.column("version").to_pylist()) == {1}
