"""The verb `penstock tune`: arguments in, exit code out. TensorFlow is loaded only once there is a search to run."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from serving.errors import InvalidJob, InvalidSettings
from serving.model_store.signing_keys import chosen_signer
from training.arguments import add_run_arguments
from training.environment import prepare_environment
from training.indexed_job import tuner_environment
from training.job import JobSpec
from training.job_files import load_job
from training.pushing import add_push_argument, destination_of
from training.search_space import search_of
from training.summary import Summary

DONE, WRONG_USE = 0, 2

EXAMPLES = """\
examples:
  penstock tune diabetes                        run the search of the job's [search] table, publish the best
  penstock tune diabetes --set search.trials=40 more trials; those of an earlier search are kept
  penstock tune ./mine.toml --fresh             forget them

A search that was interrupted goes on with the same command; one that is done is only trained and published again.
Exit codes: 0 published, or this worker's part is done; 1 failed; 2 wrong use or a job that cannot be run;
130 interrupted.

Several processes: give each the same command and --peers, or KerasTuner's own environment variables,
KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT (the chief's address), KERASTUNER_TUNER_ID (chief for one, any other
name for each worker). The chief hands out the trials, and publishes the best once the workers are done.
"""


def run(argv: Sequence[str]) -> int:
    """Runs a job's search. Raises what the search raises, but for a job that is wrong: exit 2."""
    arguments = _parser().parse_args(argv)
    folder: Path = arguments.search_dir or Path("searches") / Path(arguments.job).stem
    try:
        job = load_job(arguments.job, arguments.assignments)
        search_of(job)  # before TensorFlow is loaded
        os.environ.update(tuner_environment(arguments.peers, os.environ))
        tuned = _tune(job, folder, arguments)
    except (InvalidJob, InvalidSettings) as error:
        print(f"penstock tune: {error}", file=sys.stderr)  # noqa: T201 - a command line prints
        return WRONG_USE
    except KeyboardInterrupt:
        print(f"interrupted; the same command goes on from the trials in {folder}", file=sys.stderr)  # noqa: T201
        raise
    if tuned is not None:
        print(tuned)  # noqa: T201
    return DONE


def _tune(job: JobSpec, folder: Path, arguments: argparse.Namespace) -> object:
    prepare_environment()
    console = Console(stderr=True)
    sign = chosen_signer(arguments.sign_with)
    destination = destination_of(arguments, job.model, sign)
    console.print(f"tuning {job.model}: {job.description}", highlight=False, soft_wrap=True)
    # importing it takes seconds, and TensorFlow reads its environment then: the one deferred import
    pipeline, tuning = (importlib.import_module(f"training.{name}") for name in ("pipeline", "tuning"))
    orders = pipeline.Orders(promote=arguments.promote, force=arguments.force, dry_run=arguments.dry_run, sign=sign)
    found: Any = tuning.tune(job, arguments.models, orders, folder, fresh=arguments.fresh, clock=_now, console=console)
    if destination is None or found is None or not isinstance(found.summary, Summary):
        return found
    print(found)  # noqa: T201 - before the push, which may fail
    return destination.push(found.summary, by="penstock tune", clock=_now) or None


def _now() -> datetime:
    return datetime.now(UTC)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="penstock tune",
        description="Search over a job's values, then train the best found and publish it as the next version.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_run_arguments(parser)
    add_push_argument(parser)
    parser.add_argument(
        "--search-dir", metavar="DIR", type=Path, help="where the trials are kept (default: ./searches/JOB)"
    )
    parser.add_argument("--fresh", action="store_true", help="forget the trials of an earlier search")
    return parser
