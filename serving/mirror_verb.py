"""The verb `penstock mirror`: keeps a node's model directory like an object store. Arguments in, exit code out.

Light, since it runs beside every gateway: nothing here or below it loads a model, an array or a web framework.
"""

import argparse
import math
import os
import random
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from serving.contract.model_directory import model_paths
from serving.errors import Cancelled, InvalidSettings, StoreUnavailable, UnknownModel
from serving.model_store.object_store.address import StoreAddress, parse_address
from serving.model_store.object_store.fetch import Fetching
from serving.model_store.object_store.mirror import Choice, Mirror, MirroredModel
from serving.model_store.object_store.store import ObjectStore
from serving.model_store.object_store.wanted_files import Limits
from serving.model_store.object_store.watching import Health, is_healthy, summary, watch
from serving.model_store.trust import Trust
from serving.model_store.trust_arguments import add_trust_arguments, trust_of
from serving.model_store.versions import list_models

DONE, NOT_DONE, WRONG_USE = 0, 1, 2
LEAVE_SECONDS = 0.5
"""How long a stop waits for the work under way to tidy up; what it leaves then, the next mirror removes."""
PRUNE_AFTER_SECONDS = 120.0
"""A large network is loaded within it; only then does a gateway stop answering with the version before."""
GIB = 1024**3

EXAMPLES = """\
examples:
  penstock mirror s3://models/prod --models /models --once        what an init container runs
  penstock mirror s3://models/prod --models /models --watch 30    what a sidecar runs
  penstock mirror --check-health /dev/shm/mirror.json             what its probe runs

Exit codes: 0 mirrored, or watched until SIGTERM; 1 a model has no version here, or the store failed; 2 wrong use.
Credentials are found by s3fs and gcsfs as ever; AWS_ENDPOINT_URL names another S3 than Amazon's. docs/object-store.md.
"""


def run(argv: Sequence[str]) -> int:
    """Mirrors once or until SIGTERM or SIGINT."""
    parser = mirror_parser()
    arguments = parser.parse_args(argv)
    if arguments.check_health:
        return DONE if is_healthy(arguments.check_health, _now()) else NOT_DONE
    if arguments.url is None:
        parser.error("the store's URL is missing")
    try:
        address = parse_address(arguments.url, folder=str(Path.cwd()))
        for name in arguments.model:
            model_paths(arguments.models, name)
        _refuse_itself(address, arguments.models)
        trust = trust_of(arguments)
        store = ObjectStore(address)
    except (InvalidSettings, UnknownModel) as error:
        print(f"penstock mirror: {error}", file=sys.stderr)  # noqa: T201 - a command line prints
        return WRONG_USE
    arguments.models.mkdir(parents=True, exist_ok=True)
    return _until_stopped(lambda stop: _work(arguments, store, trust, stop), DONE if arguments.watch else NOT_DONE)


def _until_stopped(work: Callable[[threading.Event], int], stopped: int) -> int:
    """Runs `work` in a thread, so that a signal ends the process also while a library waits for a dead network;
    `stopped` is the exit code then.
    """
    stop, woken = threading.Event(), threading.Event()
    answers: list[int] = []
    failures: list[Exception] = []

    def asked(_signal: int, _frame: object) -> None:
        stop.set()
        woken.set()

    def worker() -> None:
        try:
            answers.append(work(stop))
        except Exception as error:  # noqa: BLE001 - the main thread raises it again
            failures.append(error)
        finally:
            woken.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, asked)
    thread = threading.Thread(target=worker, name="mirror", daemon=True)
    thread.start()
    woken.wait()
    thread.join(LEAVE_SECONDS if stop.is_set() else None)
    if failures:
        raise failures[0]
    if answers:
        return answers[0]
    _say("stopped in the middle; the next mirror tidies up")
    sys.stdout.flush()
    os._exit(stopped)  # threads that wait for the network would keep a plain return for as long as they do


def _work(arguments: argparse.Namespace, store: ObjectStore, trust: Trust, stop: threading.Event) -> int:
    limits = Limits(arguments.max_files, int(arguments.max_gib * GIB))
    health = Health(arguments.health_file, str(store.address), arguments.watch or 0.0, _now)
    fetching = Fetching(store, arguments.models, limits, arguments.concurrency, stop, _now, health.progress, trust)
    patience = PRUNE_AFTER_SECONDS if arguments.watch else 0.0
    mirror = Mirror(fetching, Choice(tuple(arguments.model), arguments.keep, patience), _say)
    if arguments.watch:
        watch(mirror, health, stop=stop, say=_say, chance=random.Random())  # noqa: S311 - spreads nodes, no secret
        _say("stopped")
        return DONE
    try:
        models = mirror.one_pass()
    except Cancelled:
        _say("stopped")
        return NOT_DONE
    except StoreUnavailable as error:
        if not arguments.stale_ok or not _all_here(arguments.models, arguments.model):
            raise
        _say(f"{error}; every model has a version here, which will do")
        return DONE
    health.write(models, failures=0, error="")
    return _told(models, arguments.model)


def _now() -> datetime:
    return datetime.now(UTC)


def _told(models: dict[str, MirroredModel], names: Sequence[str]) -> int:
    """Whether a pod may start: without a model that nobody has asked for and whose first version is on its way."""
    for name, each in models.items():
        if each.problem:
            _say(f"{name}: {each.problem}")
    _say(summary(models))
    awaited = [each for name, each in models.items() if each.awaited or each.versions or name in names]
    return DONE if awaited and all(each.versions for each in awaited) else NOT_DONE


def _all_here(models: Path, names: Sequence[str]) -> bool:
    here = list_models(models)
    return bool(here) and set(names) <= set(here)


def _refuse_itself(address: StoreAddress, models: Path) -> None:
    if address.scheme == "file":
        store, here = Path(address.path).resolve(), models.resolve()
        if store == here or store in here.parents or here in store.parents:
            raise InvalidSettings("the store and the model directory are one, or one lies in the other")


def _say(line: str) -> None:
    print(f"penstock mirror: {line}", flush=True)  # noqa: T201 - a command line prints


def mirror_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="penstock mirror",
        description="Copy the versions of an object store into a model directory, each whole or not at all, and let "
        "labels and traffic follow.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("url", metavar="URL", nargs="?", help="s3://bucket/prefix, gs://bucket/prefix or a folder")
    parser.add_argument(
        "--models", type=Path, default=Path("models"), metavar="DIR", help="the model directory (default: ./models)"
    )
    when = parser.add_mutually_exclusive_group(required=True)
    when.add_argument("--once", action="store_true", help="look once and end")
    when.add_argument("--watch", type=_seconds, metavar="SECONDS", help="look again and again, about so often")
    when.add_argument("--check-health", type=Path, metavar="FILE", help="exit 0 when that --health-file is good")
    parser.add_argument("--model", action="append", default=[], metavar="NAME", help="one to mirror (default: all)")
    parser.add_argument(
        "--keep", type=_count, default=2, metavar="N", help="newest versions kept beside the labelled (default: 2)"
    )
    parser.add_argument("--health-file", type=Path, metavar="FILE", help="replaced after every pass")
    parser.add_argument(
        "--stale-ok", action="store_true", help="--once succeeds without the store where every model is here already"
    )
    add_trust_arguments(parser)
    parser.add_argument("--concurrency", type=_count, default=4, metavar="N", help="files fetched at once (default: 4)")
    parser.add_argument(
        "--max-gib", type=_seconds, default=256.0, metavar="GIB", help="the most of one version (default: 256)"
    )
    parser.add_argument(
        "--max-files", type=_count, default=10_000, metavar="N", help="the most files of one version (default: 10000)"
    )
    return parser


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return number
