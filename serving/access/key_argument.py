"""What a tool of ours asks a gateway with: `--api-key KEY` or `--token TOKEN`, else PENSTOCK_API_KEY or PENSTOCK_TOKEN,
as of `predict`. Where a key is handed on, a Token may be.

Nothing that a tool prints or writes may hold it.
"""

import argparse
import os
from collections.abc import Collection, Mapping, Sequence

from serving.errors import InvalidSettings

OPTION, VARIABLE, HEADER = "--api-key", "PENSTOCK_API_KEY", "x-api-key"
"""The last is the name of the header and, in capitals or not, of gRPC's metadata."""
TOKEN_OPTION, TOKEN_VARIABLE = "--token", "PENSTOCK_TOKEN"
TOKEN_HELP = f"the bearer token to ask the gateway with instead (default: {TOKEN_VARIABLE} in the environment)"
HELP = f"the key to ask the gateway with (default: {VARIABLE} in the environment)"
HIDDEN = "..."


class Token(str):
    """A bearer token in the place of a key."""

    __slots__ = ()


def add_key_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(OPTION, metavar="KEY", help=HELP)
    parser.add_argument(TOKEN_OPTION, metavar="TOKEN", help=TOKEN_HELP)


def chosen_key(
    given: str | None, environment: Mapping[str, str] = os.environ, *, token: str | None = None
) -> str | None:
    """`given` or `token`, else the environment's; None where there is neither. Raises InvalidSettings, which shows
    none, for both at once, too.
    """
    key_source, token_source = OPTION, TOKEN_OPTION
    if not (given or token):
        given, token = environment.get(VARIABLE), environment.get(TOKEN_VARIABLE)
        key_source, token_source = VARIABLE, TOKEN_VARIABLE
    if given and token:
        raise InvalidSettings(f"{key_source} and {token_source} are both given; a gateway takes one of the two")
    key = Token(token) if token else given or None
    if key is not None and not (key.isascii() and key.isprintable()):
        source = token_source if token else key_source
        raise InvalidSettings(
            f"{source} holds what no header can carry, such as the end of a line it was read from; strip it"
        )
    return key


def key_variables(key: str | None) -> dict[str, str]:
    """What hands it on to another process, whose own then counts no more."""
    if not key:
        return {}
    return {VARIABLE: "", TOKEN_VARIABLE: key} if isinstance(key, Token) else {VARIABLE: key, TOKEN_VARIABLE: ""}


def key_headers(key: str | None) -> dict[str, str]:
    """What presents the key or token, as headers of HTTP or as gRPC's metadata; nothing without one."""
    if isinstance(key, Token):
        return {"authorization": f"Bearer {key}"}
    return {HEADER: key} if key else {}


def without_keys(command: Sequence[str]) -> tuple[str, ...]:
    """The command with every key and token that it names hidden, however its option was shortened."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument(OPTION, action="append", nargs="?", default=[])
    parser.add_argument(TOKEN_OPTION, action="append", nargs="?", default=[])
    found = parser.parse_known_args(command)[0]
    keys = {key for key in (*found.api_key, *found.token) if key}
    return tuple(_hidden(part, keys) for part in command)


def _hidden(part: str, keys: Collection[str]) -> str:
    option, equals, value = part.partition("=")
    if equals and value in keys:
        return f"{option}={HIDDEN}"
    return HIDDEN if part in keys else part
