"""The arguments of `penstock models`: what each subcommand takes, and the sentences that explain it."""

import argparse
import math
from pathlib import Path

from serving.access.key_argument import add_key_argument
from serving.contract.model_directory import STABLE
from serving.model_store.signing_keys import add_signing_argument
from serving.model_store.trust_arguments import add_trust_arguments
from serving.promotion.http_gateway import DEFAULT_URL

WAIT_SECONDS = 120.0
"""Long against the load of a large network, short against a person's patience."""

LIST = "Every version with its labels, when it was published and what it scored on the test rows."
SHOW = "One version in full and the model's history: by default the version that answers when a request names none."
PROMOTE = (
    "Point a label at a version once it has passed: files as published, loaded by the gateway, each batch size warmed, "
    "golden examples answered. A step that fails leaves the label where it was. No request is dropped."
)
ROLLBACK = (
    "Point 'stable' at the version that answered before. A version rolled back from is not returned to, so that "
    "rolling back twice goes further back."
)
TRAFFIC = (
    "Split the requests that name neither version nor label over labels by weight, and mirror some to a version whose "
    "answers are only compared. What is not given stays as it is; with nothing given, shows it."
)
PRUNE = "Remove old versions. The newest ones and every version with a label stay; numbers are never given again."
VERIFY = (
    "Compare each file with the sha256 in its version's manifest, hold the graph's operations to the list, and check "
    "signatures where --trusted-key names who may sign. Exits 1 when anything is damaged or not allowed."
)
SIGN = "Sign a version's manifest, and so all its files, with an ed25519 key."
KEYGEN = "Make an ed25519 key to sign versions with: FILE for its owner alone, and FILE.pub for those who check."


def models_parser() -> argparse.ArgumentParser:
    """Parses into a namespace whose `command` is the subcommand's name."""
    parser = argparse.ArgumentParser(
        prog="penstock models",
        description="Look at what is published, promote, roll back, prune, verify or sign it, and split traffic.",
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
    _add_promote(promote)
    rollback = add("rollback", ROLLBACK, reason)
    _add_model(rollback)
    rollback.add_argument(
        "--gateway", metavar="URL", help=f"the gateway to watch follow (default: {DEFAULT_URL}, if any)"
    )
    add_key_argument(rollback)
    _add_traffic(add("traffic", TRAFFIC, reason))
    _add_prune(add("prune", PRUNE, reason))
    verify = add("verify", VERIFY, json)
    _add_model(verify, optional=True)
    _add_version(verify, optional=True)
    verify.add_argument("--operations", action="store_true", help="list the operations of each version's graph")
    add_trust_arguments(verify)
    sign = add("sign", SIGN)
    _add_model(sign)
    _add_version(sign)
    add_signing_argument(sign)
    keygen = commands.add_parser("keygen", help=KEYGEN, description=KEYGEN)
    keygen.add_argument("file", metavar="FILE", type=Path, help="where the private key goes")
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


def _add_promote(promote: argparse.ArgumentParser) -> None:
    promote.add_argument("--label", default=STABLE, help="the label to move (default: %(default)s)")
    where = promote.add_mutually_exclusive_group()
    where.add_argument(
        "--gateway", metavar="URL", help=f"the gateway that serves this directory (default: {DEFAULT_URL})"
    )
    where.add_argument(
        "--offline",
        action="store_true",
        help="without a gateway: check the files, answer the golden examples in this process, and move the label",
    )
    add_key_argument(promote)
    promote.add_argument(
        "--wait",
        type=_seconds,
        default=WAIT_SECONDS,
        metavar="SECONDS",
        help="how long the version may take to be loaded, and the gateway to follow (default: %(default)g)",
    )
    promote.add_argument(
        "--shadow",
        type=_positive,
        metavar="N",
        help="compare N requests with the version that answers now: of --requests, else mirrored by the gateway",
    )
    promote.add_argument(
        "--requests", type=Path, metavar="FILE", help="a TFRecord file of PredictionLog, as recorded from a gateway"
    )
    promote.add_argument(
        "--most-different",
        type=_fraction,
        default=1.0,
        metavar="SHARE",
        help="the share of --shadow's answers that may differ (default: %(default)g, they are only counted)",
    )
    promote.add_argument(
        "--watch",
        type=_seconds,
        metavar="SECONDS",
        help="watch the version for so long after the move by the canary's rule, and move the label back if worse",
    )

    add_trust_arguments(promote)


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


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds


def _fraction(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share from 0 to 1")
    return share
