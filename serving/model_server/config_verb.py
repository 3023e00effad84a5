"""The verb `penstock model-server`: writes the files that TensorFlow Serving reads, and explains its flags."""

import argparse
import signal
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from serving.errors import IntegrityError
from serving.model_server.config_files import ConfigFolder, follow, write_all
from serving.model_server.configs import LabelShare
from serving.model_server.flags import Deployment, flag_lines
from serving.model_store.trust_arguments import add_trust_arguments, trust_of

CONFIG = (
    "Write models.config, batching.config and monitoring.config as the model directory is now. With --watch, keep "
    "models.config in step with versions and labels until SIGTERM or Ctrl-C."
)
FLAGS = "Print the flags to start TensorFlow Serving with, and why each."


def run(argv: Sequence[str]) -> int:
    """Runs one subcommand; returns the exit code. Raises PenstockError for what could not be done."""
    arguments = _parser().parse_args(argv)
    return _flags(arguments) if arguments.command == "flags" else _config(arguments)


def _config(arguments: argparse.Namespace) -> int:
    if not arguments.models.is_dir() and not arguments.watch:
        raise IntegrityError(f"there is no model directory {str(arguments.models)!r}")
    base_path = arguments.base_path or str(arguments.models.resolve())
    label = arguments.only_label or arguments.without_label
    share = LabelShare(label, only=bool(arguments.only_label)) if label else None
    trust = trust_of(arguments)
    folder = ConfigFolder(arguments.models, arguments.out, base_path, arguments.batch_threads, share, trust)
    if not arguments.watch:
        return _say(write_all(folder))
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    looked = False

    def rested() -> bool:
        nonlocal looked
        first, looked = not looked, True
        return not over.is_set() if first else not over.wait(arguments.poll_seconds)

    for line in follow(folder, rested):
        _say([line])
    return 0


def _flags(arguments: argparse.Namespace) -> int:
    lines = flag_lines(
        Deployment(arguments.cores, arguments.gateways, arguments.in_flight, arguments.gpu, arguments.config_folder)
    )
    return _say(flag if arguments.plain else f"{flag}\n    {reason}" for flag, reason in lines)


def _say(lines: Iterable[str]) -> int:
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="penstock model-server", description="TensorFlow Serving behind the gateway.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    config = commands.add_parser("config", help=CONFIG, description=CONFIG)
    config.add_argument("models", metavar="MODELS", type=Path, help="the model directory, as this command sees it")
    config.add_argument("--out", metavar="DIR", type=Path, required=True, help="where the files go")
    config.add_argument(
        "--base-path", metavar="PATH", help="the model directory as the server sees it (default: MODELS, made absolute)"
    )
    config.add_argument("--watch", action="store_true", help="stay, and rewrite models.config when it changes")
    config.add_argument(
        "--poll-seconds", metavar="S", type=_positive_seconds, default=1.0, help="how often --watch looks (default: 1)"
    )
    config.add_argument(
        "--batch-threads", metavar="N", type=_count, default=2, help="batches at once in batching.config (default: 2)"
    )
    add_trust_arguments(config)
    _add_share(config)
    flags = commands.add_parser("flags", help=FLAGS, description=FLAGS)
    usual = Deployment()
    flags.add_argument("--gpu", action="store_true", help="for a server with a GPU")
    flags.add_argument(
        "--cores", metavar="N", type=_count, default=usual.cores, help="CPU limit (default: %(default)s)"
    )
    flags.add_argument("--gateways", metavar="N", type=_count, default=usual.gateways, help="(default: %(default)s)")
    flags.add_argument(
        "--in-flight",
        metavar="N",
        type=_count,
        default=usual.in_flight,
        help="a gateway's max_in_flight_batches (default: %(default)s)",
    )
    flags.add_argument(
        "--config-folder",
        metavar="PATH",
        default=usual.config_folder,
        help="the files' folder as the server sees it (default: %(default)s)",
    )
    flags.add_argument("--plain", action="store_true", help="the flags alone, one a line")
    return parser


def _add_share(config: argparse.ArgumentParser) -> None:
    share = config.add_mutually_exclusive_group()
    share.add_argument(
        "--only-label",
        metavar="LABEL",
        help="only the versions that LABEL points at: servers of their own for a canary",
    )
    share.add_argument(
        "--without-label", metavar="LABEL", help="not the versions that LABEL alone points at: the other servers"
    )


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


def _positive_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds
