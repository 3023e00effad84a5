"""The arguments by which a command is told which versions may be loaded; the gateway has settings of the same names."""

import argparse
from pathlib import Path

from serving.model_store.signing_keys import read_trusted_keys
from serving.model_store.trust import Trust


def add_trust_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--trusted-key",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="a public key (PEM): take only versions that one of those named has signed",
    )
    parser.add_argument(
        "--allow-operation",
        action="append",
        default=[],
        metavar="NAME",
        help="an operation that graphs may have beside those listed, as the gateway's allowed_operations; * is any",
    )


def trust_of(arguments: argparse.Namespace) -> Trust:
    """Raises InvalidSettings for a key that cannot be read."""
    keys = read_trusted_keys(arguments.trusted_key) if arguments.trusted_key else None
    return Trust(keys, frozenset(arguments.allow_operation))
