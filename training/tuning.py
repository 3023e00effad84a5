"""A search over a job's values: trial after trial, each a fit; then the best is trained and published as any job is.

KerasTuner draws the values, keeps the trials and speaks between processes; the fits are ours. Importing it starts
TensorFlow.
"""

import contextlib
import io
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import grpc
import keras
from keras_tuner import errors
from keras_tuner.engine.base_tuner import BaseTuner
from rich.console import Console

from serving.errors import InvalidJob, PublishError
from training.data.dataset import Rows, check_classes, decode, split_keys
from training.data.sources import read_dataset
from training.data.split import split_rows
from training.fit import fit
from training.job import JobSpec
from training.leaderboard import TrialResult, as_text, leaderboard, ranked
from training.networks.build import build_model
from training.oracles import BEST_EPOCH, FITTED_EPOCHS, new_oracle, number_of, results, take_up, values_of
from training.pipeline import Orders, train_and_publish
from training.progress import Tell, progress
from training.report.facts import Table
from training.runtime import make_repeatable
from training.search_folder import TRIALS, check_same_search, search_folder
from training.search_space import value_text, with_values
from training.search_spec import HyperbandSearch, SearchSpec
from training.summary import Summary

CHIEF_SECONDS = 300
"""A worker may be started before its chief, which loads TensorFlow first; later than this there is none."""
IDLE_SECONDS = 0.1
"""A worker that is told to wait (Hyperband's rounds wait for each other) would ask again at once."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """A finished search: `board` is its leaderboard, `summary` tells of the version made of the best trial's job."""

    board: Table
    summary: Summary

    def __str__(self) -> str:
        return f"{as_text(self.board)}\n\n{self.summary}"


def tune(
    job: JobSpec,
    models: Path,
    orders: Orders,
    folder: Path,
    *,
    fresh: bool,
    clock: Callable[[], datetime],
    console: Console,
) -> Tuned | None:
    """Runs what is left of the job's search, whose trials lie in `folder`, then trains and publishes the best.

    `fresh` forgets the trials there first. The test split is not touched before that last training. One process of
    several searches and publishes nothing: KerasTuner's environment variables make this a worker, and the answer None.

    Raises InvalidJob for a job without a search or another search's folder, PublishError when every trial failed, and
    what publishing raises.
    """
    if job.search is None:
        raise InvalidJob(f"{job.model} has no [search] table; docs/training.md says what to write")
    with _ended_by_interrupt():
        if _is_distributed() and not _is_chief():
            _work(job, job.search, folder, console)
            return None
        with search_folder(folder, job, fresh=fresh):
            ranking = _search(job, job.search, folder, console)
    board = leaderboard(ranking, job.search.objective, job.search.method)
    console.print(f"training the best again, trial {ranking[0].number}, to publish it", highlight=False)
    best = with_values(job, ranking[0].values)
    return Tuned(board, train_and_publish(best, models, replace(orders, tables=(board,)), clock=clock, console=console))


def _search(job: JobSpec, search: SearchSpec, folder: Path, console: Console) -> list[TrialResult]:
    """All trials, best first, with at least one that did not fail."""
    oracle = new_oracle(search, job.fit.epochs)
    tuner = _Tuner(oracle, folder, job, search, console)
    take_up(oracle, folder / TRIALS)
    if done := len(results(oracle, search)):
        console.print(f"{done} trials are done already, in {folder}", highlight=False, soft_wrap=True)
    if _is_chief():
        console.print(f"{_address()}: handing out trials until the workers are done", highlight=False)
        tuner.search()
    else:
        tuner.search(*_rows(job))
    ranking = ranked(results(oracle, search), oracle.objective.direction)
    if not ranking or ranking[0].figure is None:
        raise PublishError(
            f"all {len(ranking)} trials of the search failed; what each lacked is told above, as it ended"
        )
    return ranking


def _work(job: JobSpec, search: SearchSpec, folder: Path, console: Console) -> None:
    rows = _rows(job)
    with grpc.insecure_channel(_address()) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=CHIEF_SECONDS)
        except grpc.FutureTimeoutError as error:
            raise ConnectionError(f"no chief answers at {_address()}: it has ended, or was not started") from error
    check_same_search(folder, job)  # the chief has written it by now, where workers share a disk with it
    _Tuner(new_oracle(search, job.fit.epochs), folder, job, search, console).search(*rows)
    console.print("no trials are left; the chief publishes the best")


def _rows(job: JobSpec) -> tuple[Rows, Rows]:
    """The training and validation splits, as the pipeline splits them."""
    dataset = read_dataset(job)
    rows = decode(dataset, job)
    split = split_rows(split_keys(dataset, rows, job.outputs), job.split)
    train, validation = rows.take(split.train), rows.take(split.validation)
    check_classes(train, rows, job.outputs)
    return train, validation


class _Tuner(BaseTuner):  # type: ignore[misc]  # keras_tuner has no types
    """Runs trials one after another, each from the first weights that its job's seed gives."""

    def __init__(self, oracle: Any, folder: Path, job: JobSpec, search: SearchSpec, console: Console) -> None:
        self.job, self.asked, self.console = job, search, console
        with contextlib.redirect_stdout(io.StringIO()):  # it says there that it reloads
            super().__init__(oracle, directory=str(folder), project_name=TRIALS)

    def pre_create_trial(self) -> None:
        time.sleep(IDLE_SECONDS)

    def run_trial(self, trial: Any, train: Rows, validation: Rows) -> dict[str, float]:
        values = values_of(trial, self.asked)
        self._say(f"trial {self._place(trial)}  " + ", ".join(f"{k} {value_text(v)}" for k, v in values.items()))
        job = with_values(self.job, values)
        keras.backend.clear_session()  # the last trial's network
        make_repeatable(job.fit.seed)
        with _telling(self.console, job.fit.epochs) as tell:
            fitted = fit(build_model(job, train), train, validation, job, tell)
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
def _telling(console: Console, epochs: int) -> Iterator[Tell]:
    """A bar on a terminal; in a log the trials' own lines are enough."""
    if not console.is_terminal:
        yield lambda _report: None
        return
    with progress(console, epochs) as tell:
        yield tell


@contextlib.contextmanager
def _ended_by_interrupt() -> Iterator[None]:
    """Within, Ctrl-C ends the search: a fit that ends early at Ctrl-C leaves a handler of somebody else's alone."""

    def end(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, end)
    try:
        yield
    except errors.FatalError as error:
        raise InvalidJob(str(error)) from error
    finally:
        signal.signal(signal.SIGINT, before)


def _is_distributed() -> bool:
    return "KERASTUNER_ORACLE_IP" in os.environ


def _is_chief() -> bool:
    """As KerasTuner tells it."""
    return _is_distributed() and "chief" in os.environ.get("KERASTUNER_TUNER_ID", "")


def _address() -> str:
    return f"{os.environ['KERASTUNER_ORACLE_IP']}:{os.environ['KERASTUNER_ORACLE_PORT']}"
