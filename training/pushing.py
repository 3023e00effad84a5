"""A trained version on its way into an object store: the store is tried before the work, and filled after it."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from serving.contract.model_directory import STABLE
from serving.errors import PenstockError, PublishError
from serving.model_store.object_store.address import parse_address
from serving.model_store.object_store.patience import Patience, seconds_argument
from serving.model_store.object_store.push import push_label, raise_numbers
from serving.model_store.object_store.renumber import Publisher, push_renumbered
from serving.model_store.object_store.store import ObjectStore
from serving.model_store.publishing import Sign
from training.summary import Summary

CONCURRENCY = 4
PUSH_SECONDS = 600.0
"""A store that is restarted or moved is back by then, and no hours of training are done again for it."""


def add_push_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--push", metavar="URL", help="put the version into an object store too: s3://bucket/prefix, gs:// or a folder"
    )
    parser.add_argument(
        "--push-timeout",
        type=seconds_argument,
        default=PUSH_SECONDS,
        metavar="SECONDS",
        help="go on trying for so long while the store is away, once there is a version (default: %(default)g)",
    )


def destination_of(arguments: argparse.Namespace, model: str, sign: Sign | None = None) -> "Destination | None":
    """None without --push. Raises as `Destination.prepared` does; waits are told on stderr."""
    if not arguments.push:
        return None
    patience = Patience(arguments.push_timeout, lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201
    return Destination.prepared(arguments.push, arguments.models, model, patience, sign)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where versions of one run are pushed to."""

    store: ObjectStore
    url: str
    models: Path
    patience: Patience
    sign: Sign | None = None

    @classmethod
    def prepared(
        cls, url: str, models: Path, model: str, patience: Patience, sign: Sign | None = None
    ) -> "Destination":
        """Numbers of the store are taken over, so that the run's version gets a free one.

        Raises InvalidSettings for a URL that is none, or without the libraries; PublishError when the store cannot be
        reached: both before anything is trained.
        """
        store = ObjectStore(parse_address(url, folder=str(Path.cwd())))
        raise_numbers(store, models, model)
        return cls(store, url, models, patience, sign)

    def push(self, run: Summary, *, by: str, clock: Callable[[], datetime]) -> str:
        """One line of what came of it, "" after a dry run. Under the next free number when somebody else was quicker,
        since nobody stands beside a job who could say so; with the label that was moved here. A store that is away is
        waited for, as `patience` says.

        Raises PublishError that says how to push what is published here.
        """
        if run.version is None:
            return ""
        again = f"penstock push {self.url} {run.model} {run.version} --models {self.models}"
        try:
            pushed = push_renumbered(
                self.store,
                self.models,
                run.model,
                run.version,
                concurrency=CONCURRENCY,
                publisher=Publisher(by, clock, self.sign),
                patience=self.patience,
            )
            if run.promoted:
                self.patience.until_there(partial(push_label, self.store, run.model, STABLE, pushed.version))
        except PenstockError as error:
            raise PublishError(
                f"version {run.version} is published here and not in the store: {error}; to try again: {again}"
            ) from error
        label = f", {run.promoted} -> {pushed.version}" if run.promoted else ""
        return f"pushed    {run.model} {pushed.version} to {self.store.address}{label}"
