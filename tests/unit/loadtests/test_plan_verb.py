"""`penstock plan` from files to what is printed and written."""

import json
from pathlib import Path

import pytest

from loadtests.latencies import Latencies
from loadtests.measured_gateway import learned_calls
from loadtests.measurement import Measurement
from loadtests.plan_verb import plan
from loadtests.run_result import RunResult

RECORDED = Path("tests/data/capacity_dense.json")
ASKED = ("--rate", "300", "--p99-ms", "50", "--requests", "300")


def bucket(rows: int, milliseconds: float) -> dict[str, float]:
    seconds = milliseconds / 1e3
    return {"most_rows": rows, "mean_rows": rows, "mean_seconds": seconds, "p95_seconds": seconds, "calls": 9}


def stats(*buckets: dict[str, float]) -> dict[str, object]:
    queue = {"batch_rows": 32, "buckets": list(buckets)}
    return {"model_stats": [{"name": "digits"}], "batching": {"slots": 2, "queues": [{"buckets": []}, queue]}}


def write(path: Path, content: object) -> str:
    path.write_text(json.dumps(content))
    return str(path)


def test_stats_of_a_gateway_are_planned_from_with_the_gateways_work_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "stats.json", stats(bucket(1, 0.1), bucket(32, 1.0)))
    saved = tmp_path / "measured.json"
    assert plan([*ASKED, "--stats", path, "--gateway-us", "40", "--save", str(saved)]) == 0
    told = capsys.readouterr().out
    assert "digits: 300 requests/s" in told
    measured = Measurement.model_validate_json(saved.read_bytes())
    assert (measured.max_batch_rows, measured.in_flight_batches) == (32, 2)
    assert measured.gateway_seconds == pytest.approx(40e-6)
    assert plan([*ASKED, "--measured", str(saved)]) == 0


def test_stats_alone_do_not_tell_the_gateways_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan([*ASKED, "--stats", write(tmp_path / "stats.json", stats(bucket(1, 0.1)))]) == 2
    assert "--gateway-us" in capsys.readouterr().err


@pytest.mark.parametrize("content", [{}, {"batching": {"queues": []}}, stats()])
def test_stats_that_say_nothing_of_calls_are_refused(content: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="stats"):
        learned_calls(content)


def test_a_load_test_is_shown_beside_the_prediction_and_one_of_another_model_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = RunResult(
        generator="open_loop",
        scenario="open-loop",
        protocol="rest",
        url="http://127.0.0.1:8080",
        model="digits",
        command=(),
        started_at="2026-01-01T00:00:00Z",
        seconds=1.0,
        offered_per_second=123.0,
        sent=1,
        good=1,
        statuses={"200": 1},
        latency=Latencies.of([0.05]).encoded(),
    )
    run.write(tmp_path / "run.json")
    run.model_copy(update={"model": "iris"}).write(tmp_path / "iris.json")
    path = write(tmp_path / "stats.json", stats(bucket(1, 0.1), bucket(32, 1.0)))
    sources = [*ASKED, "--stats", path, "--gateway-us", "40"]
    assert plan([*sources, "--run", str(tmp_path / "run.json")]) == 0
    assert any(line.split()[:1] == ["123"] and "50" in line for line in capsys.readouterr().out.splitlines())
    assert plan([*sources, "--run", str(tmp_path / "iris.json")]) == 2


def test_nobody_to_measure_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert plan([*ASKED, "--url", "http://127.0.0.1:1"]) == 1
    assert "cannot be asked" in capsys.readouterr().err


def test_the_command_draws_what_was_recorded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "plan.png"
    assert plan([*ASKED, "--measured", str(RECORDED), "--chart", str(picture)]) == 0
    assert "gateways" in capsys.readouterr().out
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
