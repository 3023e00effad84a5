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
from training.answering import answers_and_truth
from training.batches import as_tensors
from training.data.parts import read_parts
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
from training.report.write import write_report
from training.runtime import make_repeatable
from training.summary import Summary, WorkerSummary
from training.warmup import write_warmup
from training.workers import Workers, join, leading

BY = "penstock train"


@dataclass(frozen=True, slots=True)
class Orders:
    """What the caller wants of one run, beside the job: `promote` moves the label `stable` to the new version, `force`
    publishes a worse one than the live one, `dry_run` does everything but publish.
    """

    promote: bool = False
    force: bool = False
    dry_run: bool = False


def train_and_publish(
    job: JobSpec, models: Path, orders: Orders, *, clock: Callable[[], datetime], console: Console
) -> Summary | WorkerSummary:
    """Trains `job` and publishes the result as the model's next version, or raises and leaves `models` as it was.

    Raises PublishError when the job's rule finds it worse than the live version. `console` hears of the fit.
    A worker that is not the chief fits along and publishes nothing; it raises WorkerLost where the chief did not end
    well.
    """
    make_repeatable(job.fit.seed)
    workers = join(job.distribution, console.print)
    if workers and not workers.is_chief:
        return _fit_along(workers, job, console)
    with (
        leading(workers),
        staging(models, job.model) as staged,
    ):  # first, so that a full or read-only disk is known before the work
        parts = read_parts(job)
        train, test = parts.train, parts.test

        model = build_model(job, train)
        with progress(console, job.fit.epochs) as tell:
            fitted = fit(model, train, parts.validation, job, tell, workers=workers)
        answers = model.predict(as_tensors(test.inputs), verbose=0)
        metrics = evaluate(job, *answers_and_truth(model, test, answers), train)
        if not orders.force:
            refuse_worse(job.publish, metrics, live_manifest(models, job.model))

        export_saved_model(model, job.served_features, job.outputs, staged)
        write_warmup(staged, job.model, test.inputs)
        write_job(staged, job)
        exported = Exported.load(staged)
        check_same_answers(exported, test, answers, job.outputs)

        outcome = Outcome(job, parts.dataset, parts.split, train, answers, metrics, exported.signatures())
        manifest = describe(outcome, clock())
        write_report(report_facts(manifest, outcome, fitted, model, test), staged.report)
        run = Summary(job.model, manifest.lineage.rows, fitted.epochs, fitted.best_epoch, metrics)
        if orders.dry_run:
            return run
        version = publish(models, staged, manifest, by=BY, reason=f"job {job.model}", now=clock())
    folder = model_paths(models, job.model).version(version).root
    if not orders.promote:
        return replace(run, version=version, folder=folder)
    set_label(models, job.model, STABLE, version, by=BY, reason="--promote", now=clock())
    return replace(run, version=version, folder=folder, promoted=STABLE)


def _fit_along(workers: Workers, job: JobSpec, console: Console) -> WorkerSummary:
    """The share of a worker that is not the chief: the same rows, the same model, the same steps."""
    parts = read_parts(job)
    model = build_model(job, parts.train)
    with progress(console, job.fit.epochs) as tell:
        fitted = fit(model, parts.train, parts.validation, job, tell, workers=workers)
    workers.meet()
    return WorkerSummary(job.model, fitted.epochs, fitted.best_epoch)
