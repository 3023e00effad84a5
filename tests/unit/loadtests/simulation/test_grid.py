"""The bench's grid: one row per policy, the oracle's figures bound them, and the command writes what it says."""

import json
from pathlib import Path

import pytest

from loadtests.simulation.__main__ import write
from loadtests.simulation.acceptance import Traffic, goodput_claim
from loadtests.simulation.device import CASES
from loadtests.simulation.grid import ORACLE, OURS, POLICIES, figures
from loadtests.simulation.ours import our_core
from loadtests.simulation.table import scenarios, table


@pytest.mark.parametrize("load", [0.6, 1.6])
def test_oracle_bounds_every_policy_of_the_grid(load: float) -> None:
    oracle, *rows = figures(CASES[1], "Poisson", load, [1], 250)
    assert (oracle.policy, [row.policy for row in rows]) == (ORACLE, list(POLICIES))
    assert oracle.goodput is not None
    assert all(row.goodput is not None and row.goodput <= oracle.goodput for row in rows)
    assert (oracle.mean_seconds is None) == (load > 1)


def test_bench_writes_figures_claims_and_pictures(tmp_path: Path) -> None:
    rows = list(figures(CASES[0], "Poisson", 0.6, [1], 100))
    claim = goodput_claim(our_core, Traffic(CASES[0], "Poisson", 0.6, 1, 100))
    write(tmp_path, rows, [claim])
    written = json.loads((tmp_path / "batching.json").read_text())
    assert [row["policy"] for row in written["figures"]] == [ORACLE, *POLICIES]
    assert [one["holds"] for one in written["claims"]] == [claim.holds]
    assert (tmp_path / "batching_poisson.png").read_bytes().startswith(b"\x89PNG")


def test_table_has_a_line_for_every_row() -> None:
    rows = list(figures(CASES[0], "bursty", 0.6, [1], 100))
    _, _, *lines = table(rows).splitlines()
    assert len(lines) == len(rows)
    assert f"| {OURS} | {rows[1].goodput:.3f} |" in lines[1]


def test_scenarios_are_told_for_every_device() -> None:
    told = scenarios(1_000)
    assert all(f"{case.name}, S(B) = " in told for case in CASES)
    assert "K found from 1 on" in told
