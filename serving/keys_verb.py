"""The verb `penstock keys`: makes, lists, rotates and revokes the API keys in a file that gateways follow.

Draws the secrets, reads and writes the file; what changes in it is `access/key_edits.py`'s.
"""

import argparse
import re
import secrets
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from serving.access.api_key import ID_BYTES, SECRET_BYTES, api_key, id_of
from serving.access.key_edits import (
    VERBS,
    keys_json,
    keys_text,
    split_names,
    usual_expiry,
    with_key,
    with_secret,
    without,
)
from serving.access.key_file import KeyFile, format_keys, parse_keys
from serving.errors import InvalidSettings
from serving.model_store.atomic_file import write_atomically
from serving.model_store.lock import claimed

DONE = 0
OWNER_ONLY = 0o600

EXAMPLES = """\
examples:
  penstock keys new shop --models digits --expires 90d      the key on stdout, once
  penstock keys new board --verbs read,metrics              every model, but nothing is computed
  penstock keys list
  penstock keys rotate shop                                 a second secret; both are valid
  penstock keys revoke 3f9c21ab                             the first one, when nobody has it any more
  penstock keys revoke shop                                 the name, and all its secrets

A gateway that was started with this file follows it within about a second. See docs/access-keys.md.
"""


def run(argv: Sequence[str]) -> int:
    """Runs one subcommand; returns the exit code. Raises PenstockError for what could not be done."""
    arguments = keys_parser().parse_args(argv)
    return COMMANDS[arguments.command](arguments)


def _new(arguments: argparse.Namespace) -> int:
    now = _now()
    allowed = {
        "models": split_names(arguments.models),
        "verbs": split_names(arguments.verbs),
        "rows_per_second": arguments.rows_per_second,
        "concurrent_requests": arguments.concurrent_requests,
        "note": arguments.note,
    }
    with _locked(arguments.file) as path:
        keys = _read(path) if path.exists() else KeyFile()
        key = _drawn(keys)
        _write(path, with_key(keys, arguments.name, allowed, key, _moments(now, _expiry(arguments.expires, now))))
    return _hand_out(key, f"made {arguments.name}, id {id_of(key)}")


def _rotate(arguments: argparse.Namespace) -> int:
    now, name = _now(), arguments.name
    with _locked(arguments.file) as path:
        keys = _read(path)
        expires = _expiry(arguments.expires, now) or usual_expiry(keys, name, now)
        key = _drawn(keys)
        _write(path, with_secret(keys, name, key, _moments(now, expires), drop_old=arguments.drop_old))
    old = ", ".join(keys.key[name].secret) or "none"
    if arguments.drop_old:
        return _hand_out(key, f"{name} has the new secret {id_of(key)} alone; no longer valid: {old}")
    until = "when every caller has the new one, run `penstock keys revoke ID`"
    return _hand_out(key, f"{name} has the new secret {id_of(key)} beside {old}; {until}")


def _revoke(arguments: argparse.Namespace) -> int:
    with _locked(arguments.file) as path:
        keys, gone = without(_read(path), arguments.what)
        _write(path, keys)
    return _say(f"revoked {gone}\n")


def _list(arguments: argparse.Namespace) -> int:
    keys = _read(arguments.file)
    return _say(keys_json(keys) if arguments.json else keys_text(keys, _now()))


COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = MappingProxyType(
    {"new": _new, "list": _list, "rotate": _rotate, "revoke": _revoke}
)


@contextmanager
def _locked(file: Path) -> Iterator[Path]:
    """The file behind a link, which stays a link; two writers at once would lose a key."""
    path = file.resolve()
    if not path.parent.is_dir():
        raise InvalidSettings(f"there is no folder {str(file.parent)!r} for the key file; make it, or name another")
    with claimed(path.with_name(f".{path.name}.lock")) as mine:
        if not mine:
            raise InvalidSettings("another `penstock keys` is writing this file; run it again")
        yield path


def _read(path: Path) -> KeyFile:
    try:
        return parse_keys(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidSettings(f"there is no key file {path.name!r}; name yours with --file, or make a key") from None
    except UnicodeDecodeError:
        raise InvalidSettings(f"the key file {path.name!r} is not UTF-8 text; name yours with --file") from None
    except InvalidSettings as error:
        raise InvalidSettings(f"the key file {path.name!r}: {error}") from None


def _write(path: Path, keys: KeyFile) -> None:
    """For its owner alone, unless it was made readable for a gateway that runs as another user."""
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else OWNER_ONLY
    write_atomically(path, format_keys(keys).encode(), mode=mode)


def _drawn(keys: KeyFile) -> str:
    taken = {key_id for _, key_id, _ in keys.ids()}
    while True:
        key = api_key(secrets.token_bytes(ID_BYTES), secrets.token_bytes(SECRET_BYTES))
        if id_of(key) not in taken:
            return key


def _hand_out(key: str, said: str) -> int:
    print(said, file=sys.stderr)  # noqa: T201 - a command line prints
    print("the key below is not kept and will not be shown again; store it now", file=sys.stderr)  # noqa: T201
    return _say(f"{key}\n")


def _say(text: str) -> int:
    sys.stdout.write(text)
    sys.stdout.flush()
    return DONE


def _moments(now: datetime, expires: datetime | None) -> dict[str, object]:
    return {"created": now, "expires": expires}


def _expiry(given: datetime | timedelta | None, now: datetime) -> datetime | None:
    expires = now + given if isinstance(given, timedelta) else given
    if expires is not None and expires <= now:
        raise InvalidSettings(f"--expires {expires:%Y-%m-%d} has passed; name a moment to come, or days as 90d")
    return expires


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _when(text: str) -> datetime | timedelta:
    """A day (its first moment, UTC), a moment with its zone, or a number of days."""
    try:
        if re.fullmatch(r"[1-9][0-9]{0,4}d", text):
            return timedelta(days=int(text[:-1]))
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write 2027-01-31, or days from now as 90d") from None


def keys_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="penstock keys",
        description="Make, list, rotate and revoke the API keys in a file that gateways follow.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    new = _command(commands, "new", "make a key and print it, once")
    new.add_argument("name", metavar="NAME", help="whom requests are counted for; no secret")
    new.add_argument("--models", default="*", metavar="A,B", help="the models it may ask for (default: all)")
    new.add_argument("--verbs", default="predict,read", metavar="V,W", help=f"of {', '.join(VERBS)} (predict,read)")
    new.add_argument("--rows-per-second", type=float, metavar="N", help="at each gateway (default: no limit)")
    new.add_argument("--concurrent-requests", type=int, metavar="N", help="at each gateway (default: no limit)")
    new.add_argument("--note", default="", help="for people: whose it is, whom to ask")
    rotate = _command(commands, "rotate", "add a secret to a name; the old ones stay valid")
    rotate.add_argument("name", metavar="NAME")
    rotate.add_argument("--drop-old", action="store_true", help="the old ones are no longer valid, from now on")
    for command in (new, rotate):
        command.add_argument("--expires", type=_when, metavar="DATE|90d", help="a day (UTC) or a number of days")
    revoke = _command(commands, "revoke", "take a name with all its secrets away, or one secret")
    revoke.add_argument("what", metavar="NAME|ID")
    _command(commands, "list", "names, ids, what they may do, until when").add_argument("--json", action="store_true")
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, does: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=does, description=does.capitalize() + ".")
    command.add_argument(
        "--file", type=Path, default=Path("keys.toml"), metavar="FILE", help="the file of keys (default: keys.toml)"
    )
    return command
