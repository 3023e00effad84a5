"""A trained version on its way into an object store: the store is tried before the work, and filled after it."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from serving.contract.model_directory import STABLE
from serving.errors import PenstockError, PublishError
from serving.model_store.object_store.address import parse_address
from serving.model_store.object_store.push import push_label, raise_numbers
from serving.model_store.object_store.renumber import Publisher, push_renumbered
from serving.model_store.object_store.store import ObjectStore
from serving.model_store.publishing import Sign
from training.summary import Summary

CONCURRENCY = 4


def add_push_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--push", metavar="URL", help="put the version into an object store too: s3://bucket/prefix, gs:// or a folder"
    )


@dataclass(frozen=True, slots=True)
class Destination:
    """Where versions of one run are pushed to."""

    store: ObjectStore
    url: str
    models: Path
    sign: Sign | None = None

    @classmethod
    def prepared(cls, url: str, models: Path, model: str, sign: Sign | None = None) -> "Destination":
        """Numbers of the store are taken over, so that the run's version gets a free one.

        Raises InvalidSettings for a URL that is none, or without the libraries; PublishError when the store cannot be
        reached: both before anything is trained.
        """
        store = ObjectStore(parse_address(url, folder=str(Path.cwd())))
        raise_numbers(store, models, model)
        return cls(store, url, models, sign)

    def push(self, run: Summary, *, by: str, clock: Callable[[], datetime]) -> str:
        """One line of what came of it, "" after a dry run. Under the next free number when somebody else was quicker,
        since nobody stands beside a job who could say so; with the label that was moved here.

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
            )
            if run.promoted:
                push_label(self.store, run.model, STABLE, pushed.version)
        except PenstockError as error:
            raise PublishError(
                f"version {run.version} is published here and not in the store: {error}; to try again: {again}"
            ) from error
        label = f", {run.promoted} -> {pushed.version}" if run.promoted else ""
        return f"pushed    {run.model} {pushed.version} to {self.store.address}{label}"
