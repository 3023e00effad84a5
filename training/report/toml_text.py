"""A parsed job as TOML again, the form in which a person knows it. Pure; the standard library only reads TOML."""

import json
from collections.abc import Mapping

CONTROL_DELETE = "\x7f"


def as_toml(content: Mapping[str, object]) -> str:
    """`content` as a TOML file: plain keys first, then its tables; a table within a table stands on one line.

    Holds strings, booleans, numbers, lists and mappings of them; a key whose value is None is left out.
    """
    told = {key: value for key, value in content.items() if value is not None}
    plain = [f"{_key(key)} = {_value(value)}" for key, value in told.items() if not _is_table(value)]
    parts = ["\n".join(plain)] if plain else []
    for key, value in told.items():
        if isinstance(value, Mapping):
            parts.append(f"[{_key(key)}]\n{_lines(value)}")
        elif _is_table(value) and isinstance(value, list | tuple):
            parts.extend(f"[[{_key(key)}]]\n{_lines(table)}" for table in value)
    return "\n\n".join(parts) + "\n"


def _is_table(value: object) -> bool:
    if isinstance(value, list | tuple):
        return bool(value) and all(isinstance(item, Mapping) for item in value)
    return isinstance(value, Mapping)


def _lines(table: Mapping[str, object]) -> str:
    return "\n".join(f"{_key(key)} = {_value(value)}" for key, value in table.items() if value is not None)


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items() if each is not None)
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str):  # JSON escapes what TOML does, but for one control character
        return json.dumps(value, ensure_ascii=False).replace(CONTROL_DELETE, "\\u007f")
    return json.dumps(value)


def _key(key: str) -> str:
    bare = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if bare else _value(key)
