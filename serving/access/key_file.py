"""The file of API keys: who has which, hashed, and what each may ask for. TOML in, checked facts out, and back.

Pure. A key's name is its caller's; it may have several secrets at once, so that a new one is handed out before the old
one is taken away.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from serving.access.caller import ALL_MODELS, Caller, Quota, Verb
from serving.errors import InvalidSettings

KEY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
KEY_ID = re.compile(r"[0-9a-f]{8}")
MODEL_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
BARE = re.compile(r"[A-Za-z0-9_-]+")
HEADER = """\
# API keys of the gateway, written by `penstock keys`, which keeps no comments but each key's `note`.
# A secret stands here only as its SHA-256; it cannot be read from this file.
"""


def _moment(given: object) -> object:
    if not isinstance(given, datetime) or given.tzinfo is None:
        raise ValueError("no moment; write it without quotes and with its zone, as 2027-01-31T00:00:00Z")
    return given


Moment = Annotated[datetime, BeforeValidator(_moment)]


class Secret(BaseModel):
    """One secret of a key. `sha256` is of its whole text (`psk_...`), in hex."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", repr=False)
    created: Moment | None = None
    not_before: Moment | None = None
    expires: Moment | None = None

    @model_validator(mode="after")
    def _has_a_time(self) -> Self:
        if self.not_before and self.expires and self.not_before >= self.expires:
            raise ValueError("it expires before it is valid; move `expires` behind `not_before`")
        return self


class Key(BaseModel):
    """What one name may ask for. None is no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    models: Literal["*"] | tuple[str, ...]
    verbs: tuple[Verb, ...] = (Verb.PREDICT, Verb.READ)
    rows_per_second: float | None = Field(default=None, gt=0, allow_inf_nan=False, strict=True)
    concurrent_requests: int | None = Field(default=None, ge=1, strict=True)
    note: str = Field(default="", max_length=200)
    secret: Mapping[str, Secret] = {}

    @field_validator("models", mode="before")
    @classmethod
    def _models(cls, models: object) -> object:
        good = isinstance(models, list | tuple) and all(isinstance(m, str) and MODEL_NAME.fullmatch(m) for m in models)
        if models != ALL_MODELS and not good:
            raise ValueError('no models; write a list of their names, as ["digits"], or "*" for all')
        return models

    @field_validator("note")
    @classmethod
    def _note(cls, note: str) -> str:
        if not note.isprintable():
            raise ValueError("not printable; write one line of plain text")
        return note

    @field_validator("secret")
    @classmethod
    def _ids(cls, secrets: Mapping[str, Secret]) -> Mapping[str, Secret]:
        if not all(KEY_ID.fullmatch(key_id) for key_id in secrets):
            raise ValueError("a secret is named by its id, the eight characters behind psk_, and by nothing else")
        return secrets


class KeyFile(BaseModel):
    """All keys of a file, by name. Ids are unique over all of them."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    key: Mapping[str, Key] = {}

    @field_validator("key")
    @classmethod
    def _names_and_ids(cls, keys: Mapping[str, Key]) -> Mapping[str, Key]:
        if not all(KEY_NAME.fullmatch(name) for name in keys):
            raise ValueError(
                "a name is letters, digits, '.', '_', '@' and '-', 64 at most, with a letter or digit first"
            )
        ids = [key_id for key in keys.values() for key_id in key.secret]
        twice = sorted({key_id for key_id in ids if ids.count(key_id) > 1}) if len(ids) > len(set(ids)) else []
        if twice:
            raise ValueError(
                f"the id {twice[0]} stands twice; remove one and make a new secret with `penstock keys rotate`"
            )
        return keys

    def ids(self) -> Iterator[tuple[str, str, Secret]]:
        """Name, id and secret, in the order of the file."""
        return ((name, key_id, secret) for name, key in self.key.items() for key_id, secret in key.secret.items())


class KnownSecret(NamedTuple):
    """What a look-up needs of one secret: 32 bytes of SHA-256, Unix times, and its caller."""

    digest: bytes
    not_before_seconds: float
    expires_at_seconds: float
    caller: Caller

    def __repr__(self) -> str:
        return f"KnownSecret({self.caller.name!r})"


def parse_keys(text: str) -> KeyFile:
    """Raises InvalidSettings that lists every fault by its place in the file, shows no value and no secret."""
    if not text.strip():
        raise InvalidSettings("it is empty; make a key with `penstock keys new NAME`")
    try:
        return checked_keys(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at [^)]*\)$", str(error))  # the rest of the message may quote the file
        raise InvalidSettings(
            f"it is not TOML {place[0] if place else ''}; mend that line".replace(" ;", ";")
        ) from None
    except RecursionError:
        raise InvalidSettings("it is nested too deeply; write a table [key.NAME] for each key") from None


def checked_keys(values: Mapping[str, object]) -> KeyFile:
    """Of the values a file has. Raises InvalidSettings as `parse_keys` does."""
    try:
        return KeyFile.model_validate(values)
    except ValidationError as error:
        raise InvalidSettings("; ".join(_faults(error))) from None


def format_keys(keys: KeyFile) -> str:
    """What `parse_keys` reads as the same keys."""
    lines = [HEADER]
    for name, key in keys.key.items():
        lines += [f"[key.{_toml_key(name)}]", *_settings(key.model_dump(exclude={"secret"})), ""]
        for key_id, secret in key.secret.items():
            lines += [f'[key.{_toml_key(name)}.secret."{key_id}"]', *_settings(secret.model_dump()), ""]
    return "\n".join(lines)


def known_secrets(keys: KeyFile) -> dict[bytes, KnownSecret]:
    """By id, as it stands in a key."""
    callers = {name: _caller(name, key) for name, key in keys.key.items()}
    return {
        key_id.encode(): KnownSecret(
            bytes.fromhex(secret.sha256),
            secret.not_before.timestamp() if secret.not_before else float("-inf"),
            secret.expires.timestamp() if secret.expires else float("inf"),
            callers[name]._replace(expires_at_seconds=secret.expires.timestamp() if secret.expires else None),
        )
        for name, key_id, secret in keys.ids()
    }


def _caller(name: str, key: Key) -> Caller:
    models = frozenset([ALL_MODELS]) if key.models == ALL_MODELS else frozenset(key.models)
    return Caller(name, frozenset(key.verbs), models, Quota(key.rows_per_second, key.concurrent_requests))


def _settings(values: Mapping[str, Any]) -> Iterator[str]:
    return (f"{name} = {_toml(value)}" for name, value in values.items() if value not in (None, ""))


def _toml(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(part) for part in value)}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _toml_key(name: str) -> str:
    return name if BARE.fullmatch(name) else json.dumps(name)


def _faults(error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        place = ".".join(part for part in (_shown(part) for part in fault["loc"]) if part) or "the file"
        if fault["type"] == "extra_forbidden":
            text = "no such setting here; remove it, or see docs/access-keys.md for those there are"
        elif fault["type"] == "missing":
            text = "it is missing; add it"
        else:
            text = fault["msg"].removeprefix("Value error, ")
        yield f"{place}: {text}"


def _shown(part: int | str) -> str:
    """A whole key may stand where its id belongs."""
    text = str(part)
    return text if len(text) <= 32 and text.isprintable() else f"{text[:4]!a}..."
