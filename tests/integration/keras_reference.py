"""Refit a shipped job exactly as `penstock train` does and write what the Keras model itself answers to test rows.

usage: keras_reference.py JOB OUT.npz [KEY=VALUE ...]

OUT.npz holds `instances`, JSON of natural instances, and `answers` [rows, outputs].
"""

import json
import sys

import numpy as np
from rich.console import Console

from training.batches import as_tensors
from training.data.parts import read_parts
from training.describe import natural_value
from training.fit import fit
from training.job_files import load_job
from training.networks.build import build_model
from training.progress import progress
from training.runtime import make_repeatable


def main(name: str, out: str, *assignments: str) -> None:
    job = load_job(name, assignments)
    make_repeatable(job.fit.seed)
    parts = read_parts(job)
    model = build_model(job, parts.train)
    with progress(Console(quiet=True), job.fit.epochs) as tell:
        fit(model, parts.train, parts.validation, job, tell)
    answers = model.predict(as_tensors(parts.test.inputs), verbose=0)
    names = [feature.name for feature in job.features]
    records = [
        {name: natural_value(parts.dataset.columns[name][row]) for name in names} for row in parts.split.test.tolist()
    ]
    instances = [record if len(record) > 1 else next(iter(record.values())) for record in records]
    np.savez(out, instances=json.dumps(instances), answers=answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
