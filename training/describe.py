"""What the pipeline knows about a version, written down: its manifest, and the job as it ran."""

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from serving.contract.manifest import Export, GoldenExample, Lineage, Manifest, Metrics, Tolerance
from serving.contract.model_directory import VersionPaths
from serving.contract.tensors import Array, Signature
from training.data.dataset import Dataset, Rows
from training.data.split import Split
from training.export import OUTPUT_NAMES
from training.job import JobSpec
from training.served import pixel_decodings, served_features, served_inputs
from training.sketches import sketch

GOLDEN_ROWS = 4
GOLDEN_TOLERANCE = Tolerance(absolute=1e-4, relative=1e-4)
"""Ten times the export's: other processors and other builds of TensorFlow add float32 numbers in another order."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job: `answers` and `metrics` are of the test split, `served` are its rows as they are served."""

    job: JobSpec
    dataset: Dataset
    split: Split
    train: Rows
    served: Mapping[str, Array]
    export: Export
    answers: NDArray[np.float32]
    metrics: Metrics
    signatures: Mapping[str, Signature]


def describe(outcome: Outcome, now: datetime) -> Manifest:
    """The manifest but for its number and file digests, which publishing fills in."""
    job, dataset, split = outcome.job, outcome.dataset, outcome.split
    return Manifest(
        model=job.model,
        version=1,
        description=job.description,
        features=served_features(job.features, job.export),
        outputs=job.outputs,
        signatures=dict(outcome.signatures),
        export=outcome.export,
        golden_examples=golden_examples(outcome),
        sketches=sketch(served_inputs(outcome.train.inputs, job.features, job.export)),
        metrics=outcome.metrics,
        lineage=Lineage(
            source=dataset.source,
            sha256=dataset.sha256(),
            rows={"train": len(split.train), "validation": len(split.validation), "test": len(split.test)},
            seed=job.split.seed,
        ),
        job_sha256=hashlib.sha256(render_job(job)).hexdigest(),
        frameworks={
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        },
        created_at=now,
    )


def golden_examples(outcome: Outcome) -> tuple[GoldenExample, ...]:
    """The first rows of the test split, as a caller would send them."""
    names = [feature.name for feature in outcome.job.features]
    output = OUTPUT_NAMES[outcome.job.outputs.task]
    rows = outcome.split.test[:GOLDEN_ROWS].tolist()
    natural = [{name: outcome.dataset.columns[name][row].tolist() for name in names} for row in rows]
    for name in pixel_decodings(outcome.job.features, outcome.job.export):
        for values, pixels in zip(natural, outcome.served[name], strict=False):
            values[name] = pixels.tolist()
    return tuple(
        GoldenExample(
            instance=values if len(names) > 1 else values[names[0]],
            outputs={output: answer.tolist()},
            tolerance=golden_tolerance(outcome.export),
        )
        for values, answer in zip(natural, outcome.answers[:GOLDEN_ROWS], strict=True)
    )


def golden_tolerance(export: Export) -> Tolerance:
    """Of float16 what the export itself is held to: that leaves room enough for the order of additions."""
    return export.tolerance if export.profile == "gpu" else GOLDEN_TOLERANCE


def write_job(staged: VersionPaths, job: JobSpec) -> None:
    """The job as it ran, `--set` included, beside the manifest: the file whose digest is `job_sha256`."""
    staged.extra.mkdir(exist_ok=True)
    (staged.extra / "job.json").write_bytes(render_job(job))


def render_job(job: JobSpec) -> bytes:
    return job.model_dump_json(indent=2).encode() + b"\n"
