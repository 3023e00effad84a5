"""The life of a model version, told once: data, split, adapt, fit, evaluate, export, check, publish.

The file to read first. Importing it starts TensorFlow, so the command line does that only once there is work.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from rich.console import Console

from serving.contract.model_directory import STABLE, model_paths
from serving.model_store.labels import set_label
from serving.model_store.publishing import publish
from serving.model_store.staging import staging
from training.batches import as_tensors
from training.data.dataset import check_classes, decode, split_keys
from training.data.sources import read_dataset
from training.data.split import split_rows
from training.describe import Outcome, describe, report_facts, write_job
from training.evaluation.evaluate import evaluate
from training.export import export_saved_model
from training.exported import Exported, check_same_answers
from training.fit import fit
from training.job import JobSpec
from training.live_version import live_manifest
from training.networks.build import build_model
from training.progress import progress
from training.publish_rules import refuse_worse
from training.report.facts import Table
from training.report.write import write_report
from training.runtime import make_repeatable
from training.summary import Summary
from training.warmup import write_warmup

BY = "penstock train"


@dataclass(frozen=True, slots=True)
class Orders:
    """What the caller wants of one run, beside the job: `promote` moves the label `stable` to the new version, `force`
    publishes a worse one than the live one, `dry_run` does everything but publish. `tables` go into the report.
    """

    promote: bool = False
    force: bool = False
    dry_run: bool = False
    tables: tuple[Table, ...] = ()


def train_and_publish(
    job: JobSpec, models: Path, orders: Orders, *, clock: Callable[[], datetime], console: Console
) -> Summary:
    """Trains `job` and publishes the result as the model's next version, or raises and leaves `models` as it was.

    Raises PublishError when the job's rule finds it worse than the live version. `console` hears of the fit.
    """
    make_repeatable(job.fit.seed)
    with staging(models, job.model) as staged:  # first, so that a full or read-only disk is known before the work
        dataset = read_dataset(job)
        rows = decode(dataset, job)
        split = split_rows(split_keys(dataset, rows, job.outputs), job.split)
        train, validation, test = (rows.take(part) for part in (split.train, split.validation, split.test))
        check_classes(train, rows, job.outputs)

        model = build_model(job, train)
        with progress(console, job.fit.epochs) as tell:
            fitted = fit(model, train, validation, job, tell)
        answers = model.predict(as_tensors(test.inputs), verbose=0)
        metrics = evaluate(job, answers, test, train)
        if not orders.force:
            refuse_worse(job.publish, metrics, live_manifest(models, job.model))

        export_saved_model(model, job.served_features, job.outputs, staged)
        write_warmup(staged, job.model, test.inputs)
        write_job(staged, job)
        exported = Exported.load(staged)
        check_same_answers(exported, test, answers, job.outputs)

        outcome = Outcome(job, dataset, split, train, answers, metrics, exported.signatures())
        manifest = describe(outcome, clock())
        facts = replace(report_facts(manifest, outcome, fitted, model, test), tables=orders.tables)
        write_report(facts, staged.report)
        run = Summary(job.model, manifest.lineage.rows, fitted.epochs, fitted.best_epoch, metrics)
        if orders.dry_run:
            return run
        version = publish(models, staged, manifest, by=BY, reason=f"job {job.model}", now=clock())
    folder = model_paths(models, job.model).version(version).root
    if not orders.promote:
        return replace(run, version=version, folder=folder)
    set_label(models, job.model, STABLE, version, by=BY, reason="--promote", now=clock())
    return replace(run, version=version, folder=folder, promoted=STABLE)
