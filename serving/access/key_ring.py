"""The keys of one file, as they are now: read, followed while they change, and asked for callers.

What a key file says is `key_file.py`'s; here it is read and kept.
"""

import asyncio
import hmac
import logging
import os
import stat
from pathlib import Path
from typing import NamedTuple

from serving.access.api_key import ID_PLACE, KEY_CHARACTERS, digest_of
from serving.access.caller import Caller, Presented
from serving.access.key_file import KnownSecret, known_secrets, parse_keys
from serving.errors import InvalidSettings, Unauthenticated

MAX_FILE_BYTES = 16 * 1024 * 1024
"""Some 50,000 keys; more is some other file."""
OTHERS = stat.S_IROTH | stat.S_IWOTH
NOBODY = KnownSecret(bytes(32), 0.0, 0.0, Caller("", frozenset(), frozenset()))
NOT_VALID = "the API key is not valid"
_log = logging.getLogger(__name__)


class _Identity(NamedTuple):
    """Of the file that a path leads to now: what is swapped in by a symbolic link is another file."""

    device: int
    inode: int
    changed_ns: int
    modified_ns: int
    size_bytes: int


class KeyRing:
    """`path` is read here, on the calling thread. Raises InvalidSettings for a file that is missing or broken.

    `healthy` is False while the file is not one that could be read; the keys it had last stay valid meanwhile.
    `generation` is raised each time the keys are others.
    """

    source = "keys"

    def __init__(self, path: Path, *, poll_seconds: float) -> None:
        self.generation = 1
        self.healthy = True
        self._path, self._poll_seconds = path, poll_seconds
        self._told = ""
        looked_at, self._secrets = _read(path)
        self._looked_at: _Identity | None = looked_at

    async def keep(self) -> None:
        """Follows the file, forever."""
        while True:
            await asyncio.sleep(self._poll_seconds)
            await self.look()

    async def look(self) -> None:
        """Looks once whether the file is another one, and takes its keys."""
        try:
            found = await asyncio.to_thread(_read_if_changed, self._path, self._looked_at)
        except _Broken as error:
            self._looked_at, self.healthy = error.identity, False
            if str(error) != self._told:
                self._told = str(error)
                _log.error("%s; the keys it had stay valid", error, extra={"event": "key_file_broken"})
            return
        if found is None:
            return
        self._looked_at, secrets = found
        self.healthy, self._told = True, ""
        if secrets != self._secrets:
            self._secrets = secrets
            self.generation += 1
            fields = {"event": "keys_changed", "keys": len(secrets)}
            _log.info("the key file changed: %d keys are valid", len(secrets), extra=fields)

    def caller_of(self, presented: Presented, now_seconds: float) -> Caller | None:
        """By a dictionary hit, one SHA-256 and a comparison that takes one time whatever it finds: about 1 us."""
        key = presented.api_key
        if key is None:
            return None
        if len(key) != KEY_CHARACTERS:
            raise Unauthenticated(NOT_VALID)
        known = self._secrets.get(key[ID_PLACE], NOBODY)
        same = hmac.compare_digest(digest_of(key), known.digest)
        if not same or not known.not_before_seconds <= now_seconds < known.expires_at_seconds:
            raise Unauthenticated(NOT_VALID)
        return known.caller


class _Broken(InvalidSettings):
    """`identity` is the broken file's; None where there is no file to have one."""

    def __init__(self, message: str, identity: _Identity | None) -> None:
        super().__init__(message)
        self.identity = identity


def _read_if_changed(path: Path, known: _Identity | None) -> tuple[_Identity, dict[bytes, KnownSecret]] | None:
    """None where the file is the one known, or where there is none still. Raises _Broken."""
    try:
        identity = _identity(path.stat())
    except OSError:
        if known is None:
            return None
    else:
        if identity == known:
            return None
    return _read(path)


def _read(path: Path) -> tuple[_Identity, dict[bytes, KnownSecret]]:
    name = f"the key file {path.name!r}"
    identity = None
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            identity = _identity(status)
            content = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise _Broken(f"{name} is not there; make it with `penstock keys new NAME --file FILE`", None) from None
    except OSError as error:
        text = f"{name} cannot be read: {error.strerror}; make it a file that this process may read"
        raise _Broken(text, identity) from None
    if len(content) > MAX_FILE_BYTES:
        raise _Broken(f"{name} is larger than {MAX_FILE_BYTES} bytes; name the file of keys", identity)
    try:
        secrets = known_secrets(parse_keys(content.decode()))
    except UnicodeDecodeError:
        raise _Broken(f"{name}: it is not UTF-8 text; name the file of keys", identity) from None
    except InvalidSettings as error:
        raise _Broken(f"{name}: {error}", identity) from None
    if status.st_mode & OTHERS:
        _log.warning("%s is open to every user of this machine; run: chmod o= %s", name, path.name)
    return identity, secrets


def _identity(status: os.stat_result) -> _Identity:
    return _Identity(status.st_dev, status.st_ino, status.st_ctime_ns, status.st_mtime_ns, status.st_size)
