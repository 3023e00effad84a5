"""Our core held to the oracles over the whole grid, and beside the policies of others: tables, JSON, two pictures.

usage: python -m loadtests.simulation [--requests N] [--seeds N] [--out DIR] [--only-claims]
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from loadtests.simulation.acceptance import KINDS, Claim, claims
from loadtests.simulation.device import CASES
from loadtests.simulation.grid import LOADS, Figures, figures
from loadtests.simulation.ours import our_core
from loadtests.simulation.plot import plot
from loadtests.simulation.table import scenarios, table


def main() -> int:
    """Exit status 1 when a claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=6_000, help="of each run")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("build/bench-batching"), help="where JSON and pictures go")
    parser.add_argument("--only-claims", action="store_true", help="no policies of others, no pictures")
    arguments = parser.parse_args()
    seeds = range(1, arguments.seeds + 1)
    told = [claim for case in CASES for seed in seeds for claim in claims(our_core, case, seed, arguments.requests)]
    failed = sum(not claim.holds for claim in told)
    sys.stdout.writelines(f"{'holds' if claim.holds else 'FAILS'}  {claim}\n" for claim in told)
    if not arguments.only_claims:
        rows = [
            row
            for case in CASES
            for kind in KINDS
            for load in LOADS
            for row in figures(case, kind, load, seeds, arguments.requests)
        ]
        sys.stdout.write(table(rows) + scenarios(arguments.requests))
        write(arguments.out, rows, told)
    sys.stdout.write(f"{failed} of {len(told)} claims fail\n")
    return 1 if failed else 0


def write(folder: Path, rows: Sequence[Figures], told: Sequence[Claim]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    facts = {"figures": [asdict(row) for row in rows], "claims": [{"holds": one.holds, **asdict(one)} for one in told]}
    (folder / "batching.json").write_text(json.dumps(facts, indent=1))
    for kind in dict.fromkeys(row.kind for row in rows):
        (folder / f"batching_{kind.lower()}.png").write_bytes(plot(rows, kind))
    sys.stdout.write(f"written to {folder}\n")


if __name__ == "__main__":
    sys.exit(main())
