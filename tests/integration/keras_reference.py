"""Refit a shipped job exactly as `penstock train` does and write what the Keras model itself answers to test rows.

usage: keras_reference.py JOB OUT.npz      `features` (object array of natural instances) and `answers` [rows, outputs]
"""

import json
import sys

import numpy as np
from rich.console import Console

from training.data.dataset import decode, strata
from training.data.sources import read_dataset
from training.data.split import split_rows
from training.fit import fit
from training.job_files import load_job
from training.networks.build import build_model
from training.progress import progress
from training.runtime import make_repeatable


def main(name: str, out: str) -> None:
    job = load_job(name, [])
    make_repeatable(job.fit.seed)
    rows = decode(read_dataset(job.data), job)
    split = split_rows(strata(rows, job.outputs), job.split)
    train, validation, test = (rows.take(part) for part in (split.train, split.validation, split.test))
    model = build_model(job, train)
    with progress(Console(quiet=True), job.fit.epochs) as tell:
        fit(model, train, validation, job, tell)
    answers = model.predict(dict(test.inputs), verbose=0)
    columns = {key: values.tolist() for key, values in test.inputs.items()}
    records = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    instances = [record if len(record) > 1 else next(iter(record.values())) for record in records]
    np.savez(out, instances=json.dumps(instances), answers=answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
