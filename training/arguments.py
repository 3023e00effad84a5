"""The arguments that every verb which ends in a published version has."""

import argparse
from pathlib import Path

from serving.model_store.signing_keys import add_signing_argument
from training.indexed_job import peers_of


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """JOB, --models, --set (as `assignments`), --promote, --force, --sign-with, --dry-run and --peers."""
    parser.add_argument("job", metavar="JOB", help="a shipped job's name, or the path of a .toml file")
    parser.add_argument(
        "--models",
        metavar="DIR",
        type=Path,
        default=Path("models"),
        help="the model directory, made when there is none (default: ./models)",
    )
    parser.add_argument(
        "--set",
        metavar="KEY=VALUE",
        dest="assignments",
        action="append",
        default=[],
        help="replace one value of the job, such as fit.epochs=3; may be given several times",
    )
    parser.add_argument("--promote", action="store_true", help="point the label `stable` at the new version")
    parser.add_argument(
        "--force", action="store_true", help="publish it even when the job's rule finds it worse than the live version"
    )
    add_signing_argument(parser)
    parser.add_argument("--dry-run", action="store_true", help="do everything but publish")
    parser.add_argument(
        "--peers",
        metavar="HOST:PORT,...",
        type=_peers,
        default=(),
        help="this is one of several processes started with these same words: the addresses of all of them; which of "
        "them it is says JOB_COMPLETION_INDEX, as in an Indexed Job of Kubernetes",
    )


def _peers(text: str) -> tuple[str, ...]:
    try:
        return peers_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
