"""What `penstock keys` changes in a file of keys, and how it lists one. Pure: keys in, keys or text out."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from serving.access.api_key import PREFIX, digest_of, id_of
from serving.access.caller import Verb
from serving.access.key_file import Key, KeyFile, Secret, checked_keys
from serving.errors import InvalidSettings

VERBS = tuple(verb.value for verb in Verb)
COLUMNS = ("NAME", "ID", "MODELS", "VERBS", "ROWS/S", "AT ONCE", "VALID (UTC)", "NOTE")


def with_key(
    keys: KeyFile, name: str, allowed: Mapping[str, object], key: str, secret: Mapping[str, object]
) -> KeyFile:
    """`allowed` has the settings of the name, `secret` those of its first `key`. Raises InvalidSettings."""
    if name in keys.key:
        raise InvalidSettings(
            f"there is a key {name!r} already; `penstock keys rotate {name}` makes a new secret for it, "
            f"`penstock keys revoke {name}` takes it away"
        )
    return checked_keys({"key": {**keys.key, name: {**allowed, "secret": {id_of(key): _hashed(key, secret)}}}})


def with_secret(keys: KeyFile, name: str, key: str, secret: Mapping[str, object], *, drop_old: bool) -> KeyFile:
    """A new secret beside those of the name, or in their place."""
    known = _known(keys, name)
    old = {} if drop_old else known.secret
    new = known.model_copy(update={"secret": {**old, id_of(key): Secret.model_validate(_hashed(key, secret))}})
    return checked_keys({"key": {**keys.key, name: new}})


def usual_expiry(keys: KeyFile, name: str, now: datetime) -> datetime | None:
    """When a new secret expires: after as long as the newest one was made for; None where that is for ever."""
    made = [secret for secret in _known(keys, name).secret.values() if secret.created]
    newest = max(made, key=lambda secret: secret.created or now, default=None)
    if newest is None or newest.created is None or newest.expires is None:
        return None
    return now + (newest.expires - newest.created)


def without(keys: KeyFile, what: str) -> tuple[KeyFile, str]:
    """Without the name and all its secrets, or without the one secret of that id (or of that whole key).

    Also says in words what went.
    """
    key_id = id_of(what) if what.startswith(PREFIX) else what
    owners = [name for name, its_id, _ in keys.ids() if its_id == key_id]
    if what in keys.key and owners:
        raise InvalidSettings(f"{what!r} is a name and an id; revoke the secret by psk_{what}, or edit the file")
    if what in keys.key:
        rest = {name: key for name, key in keys.key.items() if name != what}
        return KeyFile(key=rest), f"{what} and its secrets ({', '.join(keys.key[what].secret) or 'none'})"
    if not owners:
        raise InvalidSettings(f"no key has the name or id {key_id[:64]!r}; there are: {_names(keys)}")
    (owner,) = owners
    left = {its_id: secret for its_id, secret in keys.key[owner].secret.items() if its_id != key_id}
    changed = keys.key[owner].model_copy(update={"secret": left})
    words = f"the secret {key_id} of {owner}, which has {', '.join(left) or 'none'} left"
    return KeyFile(key={**keys.key, owner: changed}), words


def keys_text(keys: KeyFile, now: datetime) -> str:
    """A line for each secret; no secret is in it."""
    if not keys.key:
        return "there are no keys yet\n"
    rows = [COLUMNS, *(row for name, key in keys.key.items() for row in _rows(name, key, now))]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(lines) + "\n"


def keys_json(keys: KeyFile) -> str:
    facts = [
        {
            "name": name,
            **key.model_dump(mode="json", exclude={"secret"}),
            "secrets": [
                {"id": key_id, **secret.model_dump(mode="json", exclude={"sha256"})}
                for key_id, secret in key.secret.items()
            ],
        }
        for name, key in keys.key.items()
    ]
    return json.dumps({"keys": facts}, indent=2) + "\n"


def _rows(name: str, key: Key, now: datetime) -> Iterator[tuple[str, ...]]:
    models = key.models if isinstance(key.models, str) else ",".join(key.models) or "none"
    rate = "-" if key.rows_per_second is None else f"{key.rows_per_second:g}"
    at_once = "-" if key.concurrent_requests is None else str(key.concurrent_requests)
    allowed = (models, ",".join(key.verbs) or "none", rate, at_once)
    for key_id, secret in key.secret.items():
        yield (name, key_id, *allowed, _validity(secret, now), key.note)
    if not key.secret:
        yield (name, "-", *allowed, "no secret", key.note)


def _validity(secret: Secret, now: datetime) -> str:
    if secret.expires and secret.expires <= now:
        return f"expired {_minute(secret.expires)}"
    parts = [f"from {_minute(secret.not_before)}"] if secret.not_before and secret.not_before > now else []
    parts += [f"until {_minute(secret.expires)}"] if secret.expires else []
    return " ".join(parts) or "always"


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


def _known(keys: KeyFile, name: str) -> Key:
    if name not in keys.key:
        raise InvalidSettings(f"there is no key {name[:64]!r}; there are: {_names(keys)}")
    return keys.key[name]


def _names(keys: KeyFile) -> str:
    return ", ".join(keys.key) or "none"


def _hashed(key: str, secret: Mapping[str, object]) -> dict[str, object]:
    return {"sha256": digest_of(key.encode()).hex(), **secret}


def split_names(text: str) -> Sequence[str] | str:
    """`a,b` as a list, `*` as it is."""
    return text if text == "*" else [part.strip() for part in text.split(",") if part.strip()]
