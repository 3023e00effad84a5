"""The life of a model version, told once: data, split, adapt, fit, evaluate, export, check, publish.

The file to read first. Importing it starts TensorFlow, so the command line does that only once there is work.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from serving.contract.model_directory import STABLE, VersionPaths, model_paths
from serving.contract.tensors import Signature
from serving.model_store.labels import set_label
from serving.model_store.publishing import Sign, publish
from serving.model_store.staging import staging
from serving.model_store.trust import read_operations
from training.agreement import export_facts
from training.answering import answers_and_truth
from training.batches import as_tensors
from training.data.parts import Parts, read_parts
from training.describe import Outcome, describe, report_facts, write_job
from training.evaluation.evaluate import evaluate
from training.export import export_saved_model
from training.exported import Exported, check_same_answers
from training.job import JobSpec
from training.kfold import Folds, cross_validate, final_job
from training.live_version import live_manifest
from training.networks.build import build_model
from training.networks.transfer import kept_keras_model
from training.phases import fit_in_phases
from training.progress import progress
from training.publish_rules import refuse_worse
from training.report.facts import Table
from training.report.write import write_report
from training.runtime import make_repeatable
from training.summary import Summary, WorkerSummary
from training.warmup import write_warmup
from training.workers import Workers, join, leading

BY = "penstock train"


@dataclass(frozen=True, slots=True)
class Orders:
    """What the caller wants of one run, beside the job: `promote` moves the label `stable` to the new version, `force`
    publishes a worse one than the live one, `dry_run` does everything but publish. Event files for TensorBoard go
    under `tensorboard`, `tables` into the report; `sign` signs the
    version.
    """

    promote: bool = False
    force: bool = False
    dry_run: bool = False
    tensorboard: Path | None = None
    tables: tuple[Table, ...] = ()
    sign: Sign | None = None


def train_and_publish(
    job: JobSpec, models: Path, orders: Orders, *, clock: Callable[[], datetime], console: Console
) -> Summary | WorkerSummary:
    """Trains `job` and publishes the result as the model's next version, or raises and leaves `models` as it was.

    Raises PublishError when the job's rule finds it worse than the live version. `console` hears of the fit.
    A worker that is not the chief fits along and publishes nothing; it raises WorkerLost where the chief did not end
    well.
    """
    make_repeatable(job.fit.seed, xla=job.fit.xla)
    workers = join(job.distribution, console.print)
    if workers and not workers.is_chief:
        return _fit_along(workers, job, models, console)
    # staging first, so that a full or read-only disk is known before the work
    with leading(workers), staging(models, job.model) as staged:
        parts = read_parts(job)
        folds = cross_validate(job, parts, models, console) if job.split.folds else None
        fitting = final_job(job, folds) if folds else job
        model = build_model(job, parts.train, models)
        with progress(console, fitting.fit.epochs) as tell:
            fitted = fit_in_phases(
                model, parts.train, parts.validation, fitting, tell, tensorboard=orders.tensorboard, workers=workers
            )
        outcome = _measured(model, job, parts, folds)
        if not orders.force:
            refuse_worse(job.publish, outcome.metrics, live_manifest(models, job.model))

        manifest = describe(outcome, _export(model, outcome, staged), clock())
        if fault := read_operations(staged).fault:  # a layer of the job's own may need them, and a gateway allow them
            console.print(f"no gateway loads this version as it is: {fault}", highlight=False, soft_wrap=True)
        tables = (*((folds.table(),) if folds else ()), *orders.tables)
        write_report(replace(report_facts(manifest, outcome, fitted, model), tables=tables), staged.report)
        run = Summary(
            job.model,
            manifest.lineage.rows,
            fitted.epochs,
            fitted.best_epoch,
            outcome.metrics,
            interrupted=fitted.interrupted,
        )
        if orders.dry_run:
            return run
        version = publish(models, staged, manifest, by=BY, reason=f"job {job.model}", now=clock(), sign=orders.sign)
    folder = model_paths(models, job.model).version(version).root
    if not orders.promote:
        return replace(run, version=version, folder=folder)
    set_label(models, job.model, STABLE, version, by=BY, reason="--promote", now=clock())
    return replace(run, version=version, folder=folder, promoted=STABLE)


def _measured(model: Any, job: JobSpec, parts: Parts, folds: Folds | None) -> Outcome:
    """The one use of the test split."""
    answers = model.predict(as_tensors(parts.test.inputs), verbose=0)
    metrics = evaluate(job, *answers_and_truth(model, parts.test, answers), parts.train)
    if folds:
        metrics = metrics.model_copy(update={"folds": folds.figures()})
    return Outcome(job, parts, export_facts(job, parts.train.target), answers, metrics)


def _export(model: Any, outcome: Outcome, staged: VersionPaths) -> Mapping[str, Signature]:
    """Writes what a model server loads, loads it back, and raises PublishError unless it answers as the Keras model."""
    job, served, export = outcome.job, outcome.parts.served, outcome.export
    export_saved_model(model, job, staged)
    write_warmup(staged, job.model, served, export.allowed_batch_rows)
    write_job(staged, job)
    if job.keep_keras_model:
        model.save(kept_keras_model(staged))
    exported = Exported.load(staged)
    check_same_answers(exported, served, outcome.answers, job.outputs, export)
    return exported.signatures()


def _fit_along(workers: Workers, job: JobSpec, models: Path, console: Console) -> WorkerSummary:
    """The share of a worker that is not the chief: the same rows, the same model, the same steps."""
    parts = read_parts(job)
    model = build_model(job, parts.train, models)
    with progress(console, job.fit.epochs) as tell:
        fitted = fit_in_phases(model, parts.train, parts.validation, job, tell, workers=workers)
    workers.meet()
    return WorkerSummary(job.model, fitted.epochs, fitted.best_epoch)
