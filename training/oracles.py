"""KerasTuner's oracles: what draws the values of a search's trials and remembers how they ended.

An oracle keeps its memory in the tuner's folder; one that finds a memory there goes on from it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from keras_tuner import HyperParameters, Objective, oracles
from keras_tuner.engine.metrics_tracking import infer_metric_direction
from keras_tuner.engine.trial import TrialStatus

from serving.errors import InvalidJob
from training.leaderboard import TrialResult
from training.search_space import Values, sampled_values
from training.search_spec import BayesianSearch, ChoicesSpace, HyperbandSearch, RangeSpace, Search, SearchSpec

EPOCHS = "tuner/epochs"
"""Hyperband's own name among a trial's values for how long it may train."""
FITTED_EPOCHS, BEST_EPOCH = "epochs", "best_epoch"
"""What a trial reports beside the objective."""
MEMORY = "oracle.json"
NEVER = 2**31
"""Failed trials in a row that end a search: values that cannot be trained are part of what it finds out."""


def new_oracle(search: SearchSpec, most_epochs: int) -> Any:
    """An oracle without a memory. Raises InvalidJob when the objective's name does not say which way is better."""
    direction = search.direction or infer_metric_direction(search.objective)
    if direction is None:
        raise InvalidJob(f"search.direction: say min or max; {search.objective!r} alone does not tell KerasTuner")
    told = {
        "objective": Objective(search.objective, direction),
        "hyperparameters": _space(search),
        "seed": search.seed,
        "max_consecutive_failed_trials": NEVER,
    }
    if isinstance(search, HyperbandSearch):
        oracle = oracles.HyperbandOracle(
            max_epochs=most_epochs, factor=search.factor, hyperband_iterations=search.sweeps, **told
        )
    elif isinstance(search, BayesianSearch):
        oracle = oracles.BayesianOptimizationOracle(max_trials=search.trials, **told)
    else:
        oracle = oracles.RandomSearchOracle(max_trials=search.trials, **told)
    oracle.verbose = 0  # it would print tables to stdout
    return oracle


def take_up(oracle: Any, folder: Path) -> None:
    """Fills `oracle` with what it remembers in `folder`, if anything: a trial that was cut short is run again first.

    Raises InvalidJob when the memory cannot be read.
    """
    if not (folder / MEMORY).exists():
        return
    with readable(folder):
        oracle.reload()
    # It goes by a list saved before a trial's end was noted, and knows nothing of a trial that it was just writing.
    oracle._retry_queue = [  # noqa: SLF001 - KerasTuner has no other way in
        number for number, trial in sorted(oracle.trials.items()) if trial.status == TrialStatus.RUNNING
    ]


@contextmanager
def readable(folder: Path) -> Iterator[None]:
    """Within, what KerasTuner says of files that it cannot read is InvalidJob."""
    try:
        yield
    except (ValueError, KeyError, RuntimeError) as error:
        raise InvalidJob(f"the trials in {folder} cannot be read ({error}); start over with --fresh") from error


def values_of(trial: Any, search: Search) -> Values:
    """What `trial` replaces in the job; of a Hyperband trial also how long it trains."""
    drawn = trial.hyperparameters.values
    values = sampled_values(search, drawn)
    return values | {"fit.epochs": int(drawn[EPOCHS])} if EPOCHS in drawn else values


def results(oracle: Any, search: Search) -> list[TrialResult]:
    """Every finished trial of `oracle`, in the order of their numbers."""
    return [_result(trial, search) for trial in oracle.trials.values() if trial.status in ("COMPLETED", "FAILED")]


def _result(trial: Any, search: Search) -> TrialResult:
    number, values = number_of(trial), sampled_values(search, trial.hyperparameters.values)
    if trial.status == TrialStatus.FAILED:
        return TrialResult(number, values)
    epochs, best = (int(trial.metrics.get_last_value(name)) for name in (FITTED_EPOCHS, BEST_EPOCH))
    return TrialResult(number, values, float(trial.score), epochs, best)


def number_of(trial: Any) -> int:
    """Counted from 1, as people count."""
    return int(trial.trial_id) + 1


def _space(search: Search) -> HyperParameters:
    space = HyperParameters()
    for entry in search.space:
        if isinstance(entry, ChoicesSpace):
            space.Choice(entry.key, list(range(len(entry.choices))), ordered=False)
        elif entry.whole:
            space.Int(entry.key, entry.low, entry.high, step=entry.step, sampling=_sampling(entry))
        else:
            # it counts the steps by //, and 0.5 // 0.1 is 4: without a little more, `high` would never be drawn
            high = entry.high + (entry.step or 0) / 1000
            space.Float(entry.key, entry.low, high, step=entry.step, sampling=_sampling(entry))
    return space


def _sampling(entry: RangeSpace) -> str:
    return "log" if entry.log else "linear"
