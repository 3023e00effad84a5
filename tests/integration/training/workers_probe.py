"""Runs by itself, because it loads TensorFlow: fits the job `digits` for three epochs as TF_CONFIG says, and prints as
JSON the losses and a digest of the weights. With `--mirrored` it does so on two devices of this process, with
dropout, batch normalisation, class weights and one-hot targets.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from training.data.parts import read_parts
from training.fit import fit
from training.job_files import load_job
from training.networks.build import build_model
from training.runtime import make_repeatable
from training.workers import Workers, join


def two_devices() -> Workers:
    processor = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
    return Workers(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), is_chief=True)


def main(strategy: str) -> None:
    mirrored = strategy == "--mirrored"
    dropout = "network.dropout=0.3" if mirrored else "network.dropout=0.0"
    settings = ["fit.epochs=3", "fit.batch_rows=33", dropout, f"network.batch_normalisation={json.dumps(mirrored)}"]
    if mirrored:
        settings += ["fit.class_weights=balanced", "optimisation.loss=categorical_crossentropy"]
    job = load_job("digits", [*settings, f"distribution.strategy={'none' if mirrored else strategy}"])
    make_repeatable(job.fit.seed, xla=False)
    workers = two_devices() if mirrored else join(job.distribution, sys.stderr.write)
    parts = read_parts(job)
    model = build_model(job, parts.train, Path("models"))
    fitted = fit(model, parts.train, parts.validation, job, lambda _: None, workers=workers)
    weights = b"".join(np.asarray(weight).tobytes() for weight in model.get_weights())
    history = {name: [float(value) for value in values] for name, values in fitted.history.items()}
    sys.stdout.write(json.dumps({"history": history, "weights": hashlib.sha256(weights).hexdigest()}) + "\n")
    sys.stdout.flush()
    if workers:
        workers.meet()


if __name__ == "__main__":
    main(sys.argv[1])
