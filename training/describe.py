"""What the pipeline knows about a version, written down: its manifest, and the job as it ran."""

import hashlib
import math
import platform
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from pydantic import JsonValue

from serving.contract.features import Feature
from serving.contract.manifest import Export, GoldenExample, Lineage, Manifest, Metrics, Tolerance
from serving.contract.model_directory import VersionPaths
from serving.contract.tensors import Signature
from training.data.parts import Parts
from training.export import OUTPUT_NAMES
from training.feature_spec import as_contract
from training.fit import Fitted
from training.job import JobSpec
from training.report.distributions import count_categories
from training.report.facts import ReportFacts
from training.report.toml_text import as_toml
from training.served import pixel_decodings, served_features, served_inputs
from training.sketches import sketch

GOLDEN_ROWS = 4
GOLDEN_TOLERANCE = Tolerance(absolute=1e-4, relative=1e-4)
"""Ten times the export's: other processors and other builds of TensorFlow add float32 numbers in another order."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job: `answers` and `metrics` are of the test split."""

    job: JobSpec
    parts: Parts
    export: Export
    answers: NDArray[np.float32]
    metrics: Metrics


def describe(outcome: Outcome, signatures: Mapping[str, Signature], now: datetime) -> Manifest:
    """The manifest but for its number and file digests, which publishing fills in."""
    job, parts = outcome.job, outcome.parts
    return Manifest(
        model=job.model,
        version=1,
        description=job.description,
        features=served_features(_contract(outcome), job.export),
        outputs=job.outputs,
        signatures=dict(signatures),
        export=outcome.export,
        golden_examples=golden_examples(outcome),
        sketches=sketch(served_inputs(outcome.parts.train.inputs, job.contract_features, job.export)),
        metrics=outcome.metrics,
        lineage=Lineage(
            source=parts.dataset.source,
            sha256=parts.dataset.sha256(),
            rows=parts.split.counts(),
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


def _contract(outcome: Outcome) -> tuple[Feature, ...]:
    """The job's features with what was learned of them: a category's vocabulary."""
    return tuple(as_contract(feature, outcome.parts.train.inputs[feature.name]) for feature in outcome.job.features)


def golden_examples(outcome: Outcome) -> tuple[GoldenExample, ...]:
    """The first rows of the test split, as a caller would send them."""
    names = [feature.name for feature in outcome.job.features]
    output = OUTPUT_NAMES[outcome.job.outputs.task]
    rows = outcome.parts.split.test[:GOLDEN_ROWS].tolist()
    natural = [{name: natural_value(outcome.parts.dataset.columns[name][row]) for name in names} for row in rows]
    for name in pixel_decodings(outcome.job.contract_features, outcome.job.export):
        for values, pixels in zip(natural, outcome.parts.served[name], strict=False):
            values[name] = pixels.tolist()
    return tuple(
        GoldenExample(
            instance=values if len(names) > 1 else values[names[0]],
            outputs={output: answer.tolist()},
            tolerance=golden_tolerance(outcome.export),
        )
        for values, answer in zip(natural, outcome.answers[:GOLDEN_ROWS], strict=True)
    )


def natural_value(value: Any) -> JsonValue:
    """One value of a natural column as JSON has it: image files as base64, an absent number as null."""
    if isinstance(value, bytes):
        return {"b64": b64encode(value).decode()}
    plain: JsonValue = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    return None if isinstance(plain, float) and math.isnan(plain) else plain


def report_facts(manifest: Manifest, outcome: Outcome, fitted: Fitted, model: Any) -> ReportFacts:
    """What the report tells: `manifest` and what stands beside it."""
    layers: list[str] = []
    model.summary(print_fn=layers.append, line_length=80, expand_nested=True)
    return ReportFacts(
        manifest=manifest,
        history=fitted.history,
        best_epoch=fitted.best_epoch,
        inputs=outcome.parts.test.inputs,
        truth=outcome.parts.test.target,
        answers=outcome.answers,
        network_text="\n".join(layers),
        job_text=as_toml(outcome.job.model_dump(mode="json")),
        category_counts=count_categories(manifest.features, outcome.parts.train.inputs),
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
