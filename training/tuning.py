"""A search over a job's values, told once: trials, the best of them, and its job trained and published like any other.

Importing it starts TensorFlow.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import grpc
from rich.console import Console

from serving.errors import InvalidSettings, PublishError
from training.data.parts import read_parts
from training.interruption import interruptible
from training.job import JobSpec
from training.leaderboard import as_text, leaderboard
from training.pipeline import Orders, train_and_publish
from training.report.facts import Table
from training.search_folder import check_same_search, search_folder
from training.search_space import search_of, with_values
from training.summary import Summary, WorkerSummary
from training.trials import Trials

ADDRESS, PORT, NAME = "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT", "KERASTUNER_TUNER_ID"
CHIEF_SECONDS = 300
"""A worker may be started before its chief, which loads TensorFlow first; later than this there is none."""
LAST_PORT = 65535
CONNECTING = [("grpc.max_reconnect_backoff_ms", 1000)]
"""Else the pauses grow to minutes."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """A finished search: `board` is its leaderboard, `summary` tells of the version made of the best trial's job."""

    board: Table
    summary: Summary | WorkerSummary

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
    search = search_of(job)
    with interruptible() as interruption:
        if _is_worker():
            parts = read_parts(job)
            _await_chief(console)
            check_same_search(folder, job)  # the chief has written it by now, where they share a disk
            Trials(folder, job, search, models=models, console=console, interruption=interruption).run(parts)
            console.print("no trials are left; the chief publishes the best")
            return None
        with search_folder(folder, job, fresh=fresh):
            trials = Trials(folder, job, search, models=models, console=console, interruption=interruption)
            trials.take_up()
            if _is_chief():
                trials.hand_out()
            else:
                trials.run(read_parts(job))
            ranking = trials.ranking()
    if not ranking or ranking[0].figure is None:
        raise PublishError(f"all {len(ranking)} trials of the search failed; each said why when it ended")
    board = leaderboard(ranking, search.objective, search.method)
    console.print(f"training the job of trial {ranking[0].number} again, to publish it", highlight=False)
    best = with_values(job, ranking[0].values)
    return Tuned(board, train_and_publish(best, models, replace(orders, tables=(board,)), clock=clock, console=console))


def _is_worker() -> bool:
    return ADDRESS in os.environ and not _is_chief()


def _is_chief() -> bool:
    """As KerasTuner tells it. Raises InvalidSettings when only some of its variables are there, or the port is none:
    gRPC would listen at what is left of a larger one.
    """
    if ADDRESS not in os.environ:
        return False
    if missing := [name for name in (PORT, NAME) if name not in os.environ]:
        raise InvalidSettings(f"{ADDRESS} is set, so this is one of several processes; set {' and '.join(missing)} too")
    port = os.environ[PORT]
    if not (port.isdecimal() and 0 < int(port) <= LAST_PORT):
        raise InvalidSettings(f"{PORT}: {port!r} is no port; give one from 1 to {LAST_PORT}")
    return "chief" in os.environ[NAME]


def _await_chief(console: Console) -> None:
    """KerasTuner itself would wait for an hour, also for a chief that has ended."""
    address = f"{os.environ[ADDRESS]}:{os.environ[PORT]}"
    console.print(f"waiting for the chief at {address}", highlight=False)
    with grpc.insecure_channel(address, CONNECTING) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=CHIEF_SECONDS)
        except grpc.FutureTimeoutError as error:
            raise ConnectionError(f"no chief answers at {address}: it has ended, or was not started") from error
