"""Trials of a search, one after another: each a fit of the job with the values drawn for it.

The tuner is KerasTuner's, which asks its oracle, here or in the chief's process, for values and tells it the figures.
"""

import contextlib
import io
import logging
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
from keras_tuner import errors
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.src import config
from rich.console import Console
from sklearn.exceptions import ConvergenceWarning

from serving.errors import InvalidJob
from training.data.dataset import Rows
from training.data.parts import Parts
from training.interruption import SearchInterruption
from training.job import JobSpec
from training.leaderboard import TrialResult, ranked
from training.networks.build import build_model
from training.oracles import (
    BEST_EPOCH,
    FITTED_EPOCHS,
    new_oracle,
    number_of,
    readable,
    results,
    take_up,
    values_of,
)
from training.phases import fit_in_phases
from training.progress import Report, Tell, progress
from training.runtime import make_repeatable
from training.search_chief import answer_workers
from training.search_folder import TRIALS
from training.search_space import value_text, with_values
from training.search_spec import HyperbandSearch, SearchSpec

IDLE_SECONDS = 0.1
"""A worker that is told to wait (Hyperband's rounds wait for each other) would ask again at once."""


class Trials(BaseTuner):  # type: ignore[misc]  # keras_tuner has no types
    """Runs the trials that an oracle gives out, each from the first weights of its job's seed.

    The oracle is a new one, or in a worker the chief's. `models` has what a job may reuse.
    Raises InvalidJob when what lies in `folder` cannot be read.
    """

    def __init__(
        self,
        folder: Path,
        job: JobSpec,
        search: SearchSpec,
        *,
        models: Path,
        console: Console,
        interruption: SearchInterruption,
    ) -> None:
        self.job, self.asked, self.models = job, search, models
        self.console, self.interruption = console, interruption
        oracle = new_oracle(search, job.fit.epochs)
        config.DEBUG = False  # a failed trial's traceback stays in its file, its reason is told in a line
        logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of many networks in one process
        with readable(folder / TRIALS), contextlib.redirect_stdout(io.StringIO()):  # it says there that it reloads
            super().__init__(oracle, directory=str(folder), project_name=TRIALS)

    def take_up(self) -> None:
        """Goes on from the trials in the folder, if there are any: for the process that has the oracle."""
        take_up(self.oracle, Path(self.project_dir))
        if done := len(results(self.oracle, self.asked)):
            self._say(f"finished trials in {self.project_dir}: {done}")

    def hand_out(self) -> None:
        """What a chief does, which fits nothing: its workers run the trials until none are left."""
        self.save()
        with _quiet_oracle():
            answer_workers(self.oracle, self.interruption.check)

    def run(self, parts: Parts) -> None:
        """Fits on the training and measures on the validation split until no trials are left.

        Raises InvalidJob when the objective is not among the fit's figures.
        """
        try:
            with _quiet_oracle():
                self.search(parts.train, parts.validation)
        except errors.FatalError as error:
            raise InvalidJob(str(error)) from error

    def ranking(self) -> list[TrialResult]:
        """Best first, for the process that has the oracle."""
        return ranked(results(self.oracle, self.asked), self.oracle.objective.direction)

    def pre_create_trial(self) -> None:
        self.interruption.check()
        time.sleep(IDLE_SECONDS)

    def run_trial(self, trial: Any, train: Rows, validation: Rows) -> dict[str, float]:
        """The objective at the epoch whose weights are kept, and the epochs.

        Raises FatalError, which ends the search, when the fit has no such figure.
        """
        values = values_of(trial, self.asked)
        self._say(f"trial {self._place(trial)}  " + ", ".join(f"{k} {value_text(v)}" for k, v in values.items()))
        job = with_values(self.job, values)
        keras.backend.clear_session()  # the last trial's network
        make_repeatable(job.fit.seed, xla=job.fit.xla)
        with self._telling(job.fit.epochs) as tell:
            fitted = fit_in_phases(build_model(job, train, self.models), train, validation, job, tell)
        if self.asked.objective not in fitted.history:
            validated = [name for name in fitted.history if name.startswith("val_")]
            raise errors.FatalValueError(
                f"search.objective: the fit has no {self.asked.objective!r}; there are: {', '.join(validated)}"
            )
        figure = float(fitted.history[self.asked.objective][fitted.best_epoch - 1])
        return {self.asked.objective: figure, FITTED_EPOCHS: fitted.epochs, BEST_EPOCH: fitted.best_epoch}

    def on_trial_end(self, trial: Any) -> None:
        super().on_trial_end(trial)
        if trial.message:
            self._say(f"  failed: {trial.message.strip().splitlines()[-1].partition(': ')[2]}")
            return
        ended = self.oracle.get_trial(trial.trial_id)  # a worker's own copy knows no figures
        best = self.oracle.get_best_trials(1)[0]
        best_told = "the best so far" if best.trial_id == ended.trial_id else f"best so far {best.score:.5g}"
        self._say(f"  {self.asked.objective} {ended.score:.5g}, {best_told}")

    def _place(self, trial: Any) -> str:
        whole = "" if isinstance(self.asked, HyperbandSearch) else f"/{self.asked.trials}"
        return f"{number_of(trial)}{whole}"

    def _say(self, line: str) -> None:
        self.console.print(line, highlight=False, soft_wrap=True, markup=False)

    @contextlib.contextmanager
    def _telling(self, epochs: int) -> Iterator[Tell]:
        """A bar on a terminal; in a log the trials' own lines are enough."""
        self.interruption.check()
        if not self.console.is_terminal:
            yield lambda _report: self.interruption.check()
            return
        with progress(self.console, epochs) as tell:

            def checked(report: Report) -> None:
                self.interruption.check()
                tell(report)

            yield checked


@contextlib.contextmanager
def _quiet_oracle() -> Iterator[None]:
    """Without the warnings of its own model of the space, whose bounds are KerasTuner's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
