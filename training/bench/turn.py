"""One fit of a shipped job, by us or by the plain script, timed epoch by epoch.

usage: python -m training.bench.turn plain|ours JOB PATH SEED      prints JSON: the fields of speed.Turn
"""

import json
import sys
import time
from typing import Any

import keras
import numpy as np

from training.batches import as_tensors
from training.data.parts import Parts, read_parts
from training.fit import fit
from training.job import JobSpec
from training.job_files import load_job
from training.networks.build import build_model
from training.progress import EpochReport
from training.runtime import make_repeatable

PLAIN_ADAM = "optimisation={learning_rate=0.001}"
"""What "adam" means to Keras."""


def main(way: str, name: str, path: str, seed: str) -> None:
    job = load_job(name, [f"data.path={path}", f"fit.seed={seed}", "fit.patience_epochs=1000", PLAIN_ADAM])
    parts = read_parts(job)
    ends: list[float] = []
    if way == "ours":
        make_repeatable(job.fit.seed, xla=job.fit.xla)
        model = build_model(job, parts.train)
        began = time.perf_counter()
        fit(
            model,
            parts.train,
            parts.validation,
            job,
            lambda report: ends.append(time.perf_counter()) if isinstance(report, EpochReport) else None,
        )
    else:
        keras.utils.set_random_seed(job.fit.seed)
        model = build_model(job, parts.train)
        began = time.perf_counter()
        _plain(model, parts, job, ends)
    seconds = time.perf_counter() - began
    answers = model.predict(as_tensors(parts.test.inputs), verbose=0)
    accuracy = float(np.mean(answers.argmax(axis=1) == parts.test.target))
    print(json.dumps({"epoch_seconds": np.diff([began, *ends]).tolist(), "seconds": seconds, "accuracy": accuracy}))


def _plain(model: Any, parts: Parts, job: JobSpec, ends: list[float]) -> None:
    """The first page of a tutorial: everything as Keras has it."""
    told = keras.callbacks.LambdaCallback(on_epoch_end=lambda _epoch, _logs: ends.append(time.perf_counter()))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(
        dict(parts.train.inputs),
        parts.train.target,
        batch_size=job.fit.batch_rows,
        epochs=job.fit.epochs,
        validation_data=(dict(parts.validation.inputs), parts.validation.target),
        callbacks=[told],
        verbose=0,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
