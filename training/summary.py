"""What a run came to, and how a person is told. Pure."""

from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

from serving.contract.manifest import Metrics
from serving.contract.model_directory import VersionPaths
from training.report.facts import PAGE

LABEL_WIDTH = 20  # "calibration_error", indented


@dataclass(frozen=True, slots=True)
class Summary:
    """One finished run. `version` and `folder` are None after a dry run; `promoted` is the label that now points at
    `version`, None when labels were left alone. `interrupted`: Ctrl-C ended the fit in the last of `epochs`.
    """

    model: str
    rows: dict[str, int]
    epochs: int
    best_epoch: int
    metrics: Metrics
    version: int | None = None
    folder: Path | None = None
    promoted: str | None = None
    interrupted: bool = False

    def __str__(self) -> str:
        return "\n".join(
            [
                f"{'rows':<{LABEL_WIDTH}}" + ", ".join(f"{count:,} {split}" for split, count in self.rows.items()),
                f"{'fit':<{LABEL_WIDTH}}{self._fit()}",
                f"{'test':<{LABEL_WIDTH}}{'model':>10}{'baseline':>12}",
                *(
                    f"  {name:<{LABEL_WIDTH - 2}}{value:>10.4g}{_figure(self.metrics.baseline.get(name)):>12}"
                    for name, value in self.metrics.test.items()
                ),
                *self._folds(),
                self._outcome(),
                *self._report(),
                *([f"promoted  {self.promoted} -> {self.version}"] if self.promoted else []),
            ]
        )

    def _fit(self) -> str:
        if self.interrupted:
            return f"interrupted in epoch {self.epochs}: the weights of epoch {self.best_epoch} are kept"
        return f"{self.epochs} epochs, weights of epoch {self.best_epoch}"

    def _folds(self) -> list[str]:
        folds = self.metrics.folds
        if not folds:
            return []
        return [
            f"{f'{len(next(iter(folds.values())))} folds':<{LABEL_WIDTH}}{'mean':>10}{'spread':>12}",
            *(
                f"  {name:<{LABEL_WIDTH - 2}}{mean(values):>10.4g}{stdev(values):>12.2g}"
                for name, values in folds.items()
            ),
        ]

    def _outcome(self) -> str:
        if self.version is None:
            return "dry run: trained, exported and checked; nothing is published"
        return f"published {self.model} version {self.version}: {self.folder}"

    def _report(self) -> list[str]:
        return [f"report    {VersionPaths(self.folder).report / PAGE}"] if self.folder else []


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
