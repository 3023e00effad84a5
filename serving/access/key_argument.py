"""The API key that a tool of ours asks a gateway with: `--api-key KEY`, else PENSTOCK_API_KEY, as of `predict`.

Nothing that a tool prints or writes may hold it.
"""

import argparse
import os
from collections.abc import Collection, Mapping, Sequence

from serving.errors import InvalidSettings

OPTION, VARIABLE, HEADER = "--api-key", "PENSTOCK_API_KEY", "x-api-key"
"""The last is the name of the header and, in capitals or not, of gRPC's metadata."""
HELP = f"the key to ask the gateway with (default: {VARIABLE} in the environment)"
HIDDEN = "..."


def add_key_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(OPTION, metavar="KEY", help=HELP)


def chosen_key(given: str | None, environment: Mapping[str, str] = os.environ) -> str | None:
    """`given`, else the environment's; None where there is neither. Raises InvalidSettings, which does not show it."""
    key = given or environment.get(VARIABLE) or None
    if key is not None and not (key.isascii() and key.isprintable()):
        source = OPTION if given else VARIABLE
        raise InvalidSettings(
            f"{source} holds what no header can carry, such as the end of a line it was read from; strip it"
        )
    return key


def key_headers(key: str | None) -> dict[str, str]:
    """What presents the key, as headers of HTTP or as gRPC's metadata; nothing without one."""
    return {HEADER: key} if key else {}


def without_keys(command: Sequence[str]) -> tuple[str, ...]:
    """The command with every key that it names hidden, however its option was shortened."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument(OPTION, action="append", nargs="?", default=[])
    keys = {key for key in parser.parse_known_args(command)[0].api_key if key}
    return tuple(_hidden(part, keys) for part in command)


def _hidden(part: str, keys: Collection[str]) -> str:
    option, equals, value = part.partition("=")
    if equals and value in keys:
        return f"{option}={HIDDEN}"
    return HIDDEN if part in keys else part
