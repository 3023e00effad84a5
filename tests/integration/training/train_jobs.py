"""Runs `penstock train` for several jobs in one process, which starts TensorFlow once.

usage: train_jobs.py JOBS.json      a list of argument lists, one for each run
"""

import json
import sys
from pathlib import Path

from training.__main__ import train


def main(file: str) -> int:
    return max(train(argv) for argv in json.loads(Path(file).read_text(encoding="utf-8")))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
