"""The verb `penstock push`: puts published versions of a model directory into an object store."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from serving.errors import InvalidSettings, UnknownVersion
from serving.model_store.object_store.address import parse_address
from serving.model_store.object_store.patience import Patience, seconds_argument
from serving.model_store.object_store.push import Pushed, push_label, push_labels, push_version
from serving.model_store.object_store.renumber import Publisher, push_renumbered
from serving.model_store.object_store.store import ObjectStore
from serving.model_store.signing_keys import add_signing_argument, chosen_signer
from serving.model_store.versions import list_versions

DONE, WRONG_USE = 0, 2
BY = "penstock push"

EXAMPLES = """\
examples:
  penstock push s3://models/prod digits                   the newest version here
  penstock push s3://models/prod digits 4 --label stable  this one, and point the store's `stable` at it
  penstock push s3://models/prod digits --labels          and make the store's labels and traffic those here

A version in the store is never overwritten: another one under a number that is taken is refused, and --renumber gives
it the next free one. Exit codes: 0 it is there, 1 it is not, 2 wrong use. See docs/object-store.md.
"""


def run(argv: Sequence[str]) -> int:
    """Pushes one version, then labels. Raises PenstockError for what could not be done."""
    arguments = push_parser().parse_intermixed_args(argv)
    model, version = arguments.model, arguments.version
    try:
        store = ObjectStore(parse_address(arguments.url, folder=str(Path.cwd())))
    except InvalidSettings as error:
        print(f"penstock push: {error}", file=sys.stderr)  # noqa: T201 - a command line prints
        return WRONG_USE
    if version is None:
        version = max(list_versions(arguments.models, model), default=None)
    if version is None:
        raise UnknownVersion(f"{model!r} has no version here")
    patience = Patience(arguments.timeout, _say)
    pushed = _push(arguments, store, model, version, patience)
    print(described(model, pushed, store))  # noqa: T201
    for label in arguments.label:
        patience.until_there(partial(push_label, store, model, label, pushed.version))
        print(f"{label} -> {pushed.version} in the store")  # noqa: T201
    if arguments.labels:
        labels = patience.until_there(partial(push_labels, store, arguments.models, model))
        print(f"labels of the store: {', '.join(f'{k} -> {v}' for k, v in labels.items()) or 'none'}")  # noqa: T201
    return DONE


def described(model: str, pushed: Pushed, store: ObjectStore) -> str:
    """One line for people."""
    if pushed.was_there:
        return f"{model} {pushed.version} is in {store.address} already"
    return f"pushed {model} {pushed.version}: {pushed.files} files, {pushed.total_bytes:,} bytes to {store.address}"


def _push(arguments: argparse.Namespace, store: ObjectStore, model: str, version: int, patience: Patience) -> Pushed:
    models, concurrency = arguments.models, arguments.concurrency
    if not arguments.renumber:
        return patience.until_there(partial(push_version, store, models, model, version, concurrency=concurrency))
    publisher = Publisher(BY, lambda: datetime.now(UTC), chosen_signer(arguments.sign_with))
    return push_renumbered(
        store, models, model, version, concurrency=concurrency, publisher=publisher, patience=patience
    )


def _say(line: str) -> None:
    print(f"penstock push: {line}", file=sys.stderr, flush=True)  # noqa: T201


def push_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="penstock push",
        description="Put a published version into an object store: files first, its manifest last, then labels.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("url", metavar="URL", help="s3://bucket/prefix, gs://bucket/prefix or a folder")
    parser.add_argument("model", metavar="MODEL", help="the model's name")
    parser.add_argument("version", metavar="VERSION", type=int, nargs="?", help="its number (default: the newest)")
    parser.add_argument(
        "--models", type=Path, default=Path("models"), metavar="DIR", help="the model directory (default: ./models)"
    )
    parser.add_argument("--label", action="append", default=[], metavar="LABEL", help="point it at the version")
    parser.add_argument(
        "--labels", action="store_true", help="make the store's labels and traffic those of this model directory"
    )
    parser.add_argument("--renumber", action="store_true", help="take the next free number when this one is taken")
    add_signing_argument(parser)
    parser.add_argument("--concurrency", type=int, choices=range(1, 65), default=4, metavar="N", help="files at once")
    parser.add_argument(
        "--timeout",
        type=seconds_argument,
        default=0.0,
        metavar="SECONDS",
        help="go on trying for so long while the store is away (default: 0, say so at once)",
    )
    return parser
