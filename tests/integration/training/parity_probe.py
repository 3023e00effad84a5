"""Runs by itself, because keras.datasets loads TensorFlow: whether training's arrays and those the gateway makes of
the same rows in JSON are the same, bit for bit. Prints JSON: for each job the features that differ.

usage: parity_probe.py JOBS.json      a list of [job, assignments...]
"""

import json
import sys
from pathlib import Path

import numpy as np

from serving.preprocessing.records import decode_instances
from training.data.dataset import decode
from training.data.sources import read_dataset
from training.describe import natural_value
from training.job_files import load_job

ROWS = 50


def differing(name: str, assignments: list[str]) -> list[str]:
    job = load_job(name, assignments)
    dataset = read_dataset(job)
    trained = decode(dataset, job).inputs
    records = [
        {feature.name: natural_value(dataset.columns[feature.name][row]) for feature in job.features}
        for row in range(min(ROWS, len(dataset.target)))
    ]
    served = decode_instances(json.loads(json.dumps(records)), job.contract_features)
    return [feature for feature in served if not same(trained[feature][:ROWS], served[feature])]


def same(one: np.ndarray, other: np.ndarray) -> bool:
    if one.dtype == object:
        return bool(one.tolist() == other.tolist())
    return one.dtype == other.dtype and one.tobytes() == other.tobytes()


def main(file: str) -> None:
    asked = json.loads(Path(file).read_text(encoding="utf-8"))
    sys.stdout.write("\n" + json.dumps({name: differing(name, assignments) for name, *assignments in asked}))


if __name__ == "__main__":
    main(*sys.argv[1:])
