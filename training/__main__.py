"""The verbs `train` and `jobs`: arguments in, exit code out.

TensorFlow is not loaded for `jobs`, `--help` or a job that is refused: only `_train_and_publish` loads the pipeline.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from serving.errors import InvalidJob, InvalidSettings
from serving.model_store.signing_keys import chosen_signer
from training.arguments import add_run_arguments
from training.environment import prepare_environment
from training.indexed_job import worker_environment
from training.job import JobSpec
from training.job_files import load_job, shipped_jobs
from training.pushing import add_push_argument, destination_of
from training.summary import Summary

WRONG_USE = 2

TRAIN_EXAMPLES = """\
examples:
  penstock train digits                        train a shipped job; `penstock jobs` lists them
  penstock train digits --promote              and let the label `stable` answer with it
  penstock train digits --set fit.epochs=3     a shorter run
  penstock train ./mine.toml --models /srv/models
  penstock train digits --push s3://models/prod --promote   and into a bucket, its label too

The version appears whole, or not at all. Exit codes: 0 published, 1 failed, 2 wrong use or a job that cannot be run,
130 interrupted. The first Ctrl-C while fitting ends the fit and goes on with the best weights so far; a second one,
or one before the first epoch has ended, publishes nothing.
"""


def train(argv: Sequence[str]) -> int:
    """Trains a job's model and publishes it. Raises what the pipeline raises, but for a job that is wrong: exit 2."""
    arguments = _train_parser().parse_args(argv)
    try:
        job = load_job(arguments.job, arguments.assignments)
        os.environ.update(worker_environment(job.distribution, arguments.peers, os.environ))
        summary = _train_and_publish(job, arguments)
    except (InvalidJob, InvalidSettings) as error:
        print(f"penstock train: {error}", file=sys.stderr)
        return WRONG_USE
    print(summary)
    return 0


def jobs(argv: Sequence[str]) -> int:
    """Prints each shipped job's name and description."""
    argparse.ArgumentParser(
        prog="penstock jobs", description="List the jobs that come with Penstock; train one with `penstock train NAME`."
    ).parse_args(argv)
    shipped = shipped_jobs()
    width = max(map(len, shipped))
    for name in shipped:
        print(f"{name:<{width}}  {load_job(name).description}")
    return 0


def _train_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="penstock train",
        description="Train a job's model, measure it on rows it has never seen, and publish it as the next version.",
        epilog=TRAIN_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_run_arguments(parser)
    add_push_argument(parser)
    parser.add_argument(
        "--tensorboard", metavar="DIR", type=Path, help="write each epoch's figures as TensorBoard event files there"
    )
    return parser


def _train_and_publish(job: JobSpec, arguments: argparse.Namespace) -> object:
    prepare_environment()
    console = Console(stderr=True)
    sign = chosen_signer(arguments.sign_with)
    destination = destination_of(arguments, job.model, sign)
    console.print(f"training {job.model}: {job.description}", highlight=False, soft_wrap=True)
    # importing the pipeline takes seconds, and TensorFlow reads its environment then: the one deferred import
    pipeline = importlib.import_module("training.pipeline")
    orders = pipeline.Orders(
        promote=arguments.promote,
        force=arguments.force,
        dry_run=arguments.dry_run,
        tensorboard=arguments.tensorboard,
        sign=sign,
    )
    run: object = pipeline.train_and_publish(job, arguments.models, orders, clock=_now, console=console)
    if destination is None or not isinstance(run, Summary) or run.version is None:
        return run  # a dry run, or a worker that is not the chief, has nothing to push
    print(run)
    return destination.push(run, by="penstock train", clock=_now)


def _now() -> datetime:
    return datetime.now(UTC)
