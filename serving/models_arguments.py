"""The arguments of `penstock models`: what each subcommand takes, and the sentences that explain it."""

import argparse
from pathlib import Path

from serving.contract.model_directory import STABLE

LIST = "Every version with its labels, when it was published and what it scored on the test rows."
SHOW = "One version in full and the model's history: by default the version that answers when a request names none."
PROMOTE = "Point a label at a version. The gateway follows within a poll; no request is dropped."
ROLLBACK = (
    "Point 'stable' at the version that answered before. A version rolled back from is not returned to, so that "
    "rolling back twice goes further back."
)
TRAFFIC = (
    "Split the requests that name neither version nor label over labels by weight, and mirror some to a version whose "
    "answers are only compared. What is not given stays as it is; with nothing given, shows it."
)
PRUNE = "Remove old versions. The newest ones and every version with a label stay; numbers are never given again."
VERIFY = "Compare each file with the sha256 in its version's manifest. Exits 1 when anything is damaged."


def models_parser() -> argparse.ArgumentParser:
    """Parses into a namespace whose `command` is the subcommand's name."""
    parser = argparse.ArgumentParser(
        prog="penstock models",
        description="Look at what is published, promote, roll back, prune or verify it, and split traffic.",
        epilog="Exit codes: 0 done, 1 not done or damage found, 2 wrong use.",
    )
    shared, json, reason = _options()
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, text: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=text, parents=[shared, *parents])

    _add_model(add("list", LIST, json), optional=True)
    show = add("show", SHOW, json)
    _add_model(show)
    _add_version(show, optional=True)
    promote = add("promote", PROMOTE, reason)
    _add_model(promote)
    _add_version(promote)
    promote.add_argument("--label", default=STABLE, help="the label to move (default: %(default)s)")
    _add_model(add("rollback", ROLLBACK, reason))
    _add_traffic(add("traffic", TRAFFIC, reason))
    _add_prune(add("prune", PRUNE, reason))
    verify = add("verify", VERIFY, json)
    _add_model(verify, optional=True)
    _add_version(verify, optional=True)
    return parser


def _options() -> tuple[argparse.ArgumentParser, argparse.ArgumentParser, argparse.ArgumentParser]:
    shared, json, reason = (argparse.ArgumentParser(add_help=False) for _ in range(3))
    shared.add_argument(
        "--models",
        type=Path,
        default=Path("models"),
        metavar="DIR",
        help="the model directory (default: ./%(default)s)",
    )
    json.add_argument("--json", action="store_true", help="print JSON instead of a table")
    reason.add_argument("--reason", default="", metavar="TEXT", help="why, for the model's history")
    return shared, json, reason


def _add_traffic(traffic: argparse.ArgumentParser) -> None:
    _add_model(traffic)
    traffic.add_argument(
        "split", metavar="LABEL=WEIGHT", nargs="*", type=_weight, help="every label's weight, as in stable=90 canary=10"
    )
    traffic.add_argument(
        "--sticky-by",
        metavar="HEADER",
        help="the request header (REST) or metadata key (gRPC) whose value keeps its bearer at one label",
    )
    traffic.add_argument(
        "--shadow",
        metavar="LABEL=FRACTION",
        type=_share,
        help="send this share of the answered requests again, as in canary=0.1, and compare the answers",
    )
    traffic.add_argument("--clear", action="store_true", help="begin from nothing: what is not given ends")


def _add_prune(prune: argparse.ArgumentParser) -> None:
    _add_model(prune)
    which = prune.add_mutually_exclusive_group()
    which.add_argument(
        "--keep",
        type=_positive,
        default=3,
        metavar="N",
        help="how many of the newest versions stay, labelled or not (default: %(default)s)",
    )
    which.add_argument(
        "--version",
        type=_positive,
        metavar="VERSION",
        help="remove just this one; refused while a label names it",
    )
    prune.add_argument("--dry-run", action="store_true", help="say what --keep would remove, and remove nothing")


def _add_model(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    parser.add_argument("model", metavar="MODEL", nargs="?" if optional else None, help="the model's name")


def _add_version(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    parser.add_argument(
        "version",
        metavar="VERSION",
        type=_positive,
        nargs="?" if optional else None,
        help="the version's number",
    )


def _weight(text: str) -> tuple[str, int]:
    label, _, weight = text.partition("=")
    return label, _positive(weight)


def _share(text: str) -> tuple[str, float]:
    label, _, fraction = text.partition("=")
    try:
        return label, float(fraction)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a label and a fraction, as in canary=0.1") from error


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)
