"""Our core held to the oracles over the whole grid: every claim of acceptance.py, one a line.

usage: python -m loadtests.simulation [--requests N] [--seeds N]
"""

import argparse
import sys

from loadtests.simulation.acceptance import claims
from loadtests.simulation.device import CASES
from loadtests.simulation.ours import our_core


def main() -> int:
    """Exit status 1 when a claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=4_000, help="of each run")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    failed = 0
    for case in CASES:
        for seed in range(1, arguments.seeds + 1):
            for claim in claims(our_core, case, seed, arguments.requests):
                failed += not claim.holds
                sys.stdout.write(f"{'holds' if claim.holds else 'FAILS'}  {claim}\n")
    sys.stdout.write(f"{failed} claims fail\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
