"""Peak memory and time of one epoch over a generated CSV that is read in pieces: `make bench-training-memory`.

The file is one block of random rows, over and over; it is deleted afterwards. Disk space for it must be there.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

NUMBERS = 20
BLOCK_ROWS = 200_000
GIGABYTE = 10**9

FEATURE = """
[[features]]
name = "{name}"
kind = "{kind}"
"""
JOB = """
model = "streamed"
description = "a generated table, read in pieces"
[data]
source = "table"
path = "{path}"
target = "label"
streamed = true
[split]
validation = 0.1
test = 0.1
seed = 1
{features}
[outputs]
task = "classification"
labels = ["above", "below"]
[network]
family = "mlp"
units = [32]
activation = "relu"
dropout = 0.0
[optimisation]
learning_rate = 0.001
[fit]
epochs = 1
batch_rows = 8192
patience_epochs = 1
seed = 1
"""


def write_rows(path: Path, size_bytes: int) -> int:
    """A CSV of about `size_bytes`: numbers, a category, and a label that follows from them. Gives its rows."""
    random = np.random.default_rng(1)
    columns = {f"number_{place}": random.normal(size=BLOCK_ROWS).round(6) for place in range(NUMBERS)}
    columns["colour"] = np.array(["red", "green", "blue"])[random.integers(0, 3, BLOCK_ROWS)]
    columns["label"] = np.where(columns["number_0"] > columns["number_1"], "above", "below")
    table, rows = pa.table(columns), 0
    with path.open("wb") as file:
        csv.write_csv(table.slice(0, 0), file)
        while file.tell() < size_bytes:
            left = size_bytes - file.tell()
            part = table.slice(0, min(BLOCK_ROWS, left // 150 + 1))
            csv.write_csv(part, file, csv.WriteOptions(include_header=False))
            rows += part.num_rows
    return rows


def job_text(path: Path) -> str:
    kinds = {f"number_{place}": "number" for place in range(NUMBERS)} | {"colour": "category"}
    features = "".join(FEATURE.format(name=name, kind=kind) for name, kind in kinds.items())
    return JOB.format(path=path, features=features)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=5.0)
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        table, job = Path(folder) / "rows.csv", Path(folder) / "streamed.toml"
        rows = write_rows(table, int(arguments.gigabytes * GIGABYTE))
        job.write_text(job_text(table), encoding="utf-8")
        sys.stdout.write(f"{rows:,} rows, {table.stat().st_size / GIGABYTE:.2f} GB\n")
        sys.stdout.flush()
        started = time.monotonic()
        command = [sys.executable, "-m", "penstock_cli", "train", str(job), "--models", str(Path(folder) / "models")]
        code = subprocess.run(command, check=False).returncode
        seconds = time.monotonic() - started
    # the children's: the training alone, without what generated the file; Linux counts in KiB
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / GIGABYTE
    sys.stdout.write(f"peak memory {peak:.2f} GB resident, {seconds:.0f} s\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
