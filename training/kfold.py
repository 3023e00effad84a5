"""Cross-validation: as many fits as folds, each measured on the fold it has not seen. The test split stays shut."""

import statistics
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from serving.contract.manifest import Metrics
from training.batches import as_tensors
from training.data.parts import Parts
from training.data.split import fold_rows
from training.evaluation.evaluate import evaluate
from training.job import JobSpec
from training.networks.build import build_model
from training.phases import fit_in_phases
from training.progress import progress
from training.report.facts import Table


@dataclass(frozen=True, slots=True)
class Folds:
    """Each fold's metrics, the baseline's beside them, and the epoch whose weights gave them."""

    metrics: tuple[Metrics, ...]
    best_epochs: tuple[int, ...]

    def figures(self) -> dict[str, tuple[float, ...]]:
        """One figure a fold for each metric that every fold has."""
        names = [name for name in self.metrics[0].test if all(name in fold.test for fold in self.metrics)]
        return {name: tuple(fold.test[name] for fold in self.metrics) for name in names}

    def table(self) -> Table:
        """For the report: a row a fold, then the mean and the standard deviation."""
        figures = self.figures()
        rows = [
            (str(fold), *(f"{values[fold - 1]:.4g}" for values in figures.values()), str(epoch))
            for fold, epoch in enumerate(self.best_epochs, start=1)
        ]
        for name, figure in (("mean", statistics.mean), ("spread", statistics.stdev)):
            rows.append((name, *(f"{figure(values):.4g}" for values in figures.values()), ""))
        return Table("Cross-validation", ("fold", *figures, "best epoch"), tuple(rows))


def cross_validate(job: JobSpec, parts: Parts, models: Path, console: Console) -> Folds:
    """Fits and measures `job.split.folds` models, and keeps none. Each fold ends its own fit early too, which flatters
    its figures a little. Raises KeyboardInterrupt where Ctrl-C ended a fit.
    """
    count = job.split.folds or 0
    metrics, best_epochs = [], []
    for number, split in enumerate(fold_rows(parts.keys, job.split, count), start=1):
        train, held = parts.rows.take(split.train), parts.rows.take(split.validation)
        model = build_model(job, train, models)
        with progress(console, job.fit.epochs) as tell:
            fitted = fit_in_phases(model, train, held, job, tell)
        if fitted.interrupted:
            raise KeyboardInterrupt
        found = evaluate(job, model.predict(as_tensors(held.inputs), verbose=0), held, train)
        metrics.append(found)
        best_epochs.append(fitted.best_epoch)
        told = ", ".join(f"{name} {value:.4g}" for name, value in list(found.test.items())[:2])
        console.print(f"fold {number}/{count}  {told}", highlight=False, soft_wrap=True)
    return Folds(tuple(metrics), tuple(best_epochs))


def final_job(job: JobSpec, folds: Folds) -> JobSpec:
    """`job` as its last model is fitted: where it has no validation split, for the folds' mean number of epochs."""
    if job.split.validation:
        return job
    epochs = max(1, round(statistics.mean(folds.best_epochs)))
    return job.model_copy(update={"fit": job.fit.model_copy(update={"epochs": epochs})})
