"""`penstock bench clients` over a real gateway, with counts too small to judge anything."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.processes import penstock


def test_calls_large_batches_and_the_import_are_measured(
    trained_models: Path, tmp_path: Path, program: Callable[[str], str]
) -> None:
    program("wrk")
    least = ("--rounds", "1", "--calls", "5", "--rows", "2500", "--seconds", "0.2")
    done = penstock("bench", "clients", "--models", str(trained_models), *least, "--output", str(tmp_path))
    found = json.loads((tmp_path / "clients.json").read_text())
    assert set(found["calls"]) == {"Client, REST", "AsyncClient, REST", "Client, gRPC", "AsyncClient, gRPC"}
    assert found["many"][0]["many_rows_per_second"] > 0
    assert "predict_many's share" in done.stdout
    assert (tmp_path / "clients.md").read_text() in done.stdout


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    done = penstock("bench", "clients", "--models", str(tmp_path), "--output", str(tmp_path), code=1)
    assert "penstock train diabetes" in done.stderr
