"""Whether an answer is the one that was expected. Pure: JSON in, a sentence out."""

from collections.abc import Mapping
from typing import TypeGuard

from pydantic import JsonValue

from serving.contract.manifest import Tolerance


def difference(row: JsonValue, expected: Mapping[str, JsonValue], tolerance: Tolerance) -> str:
    """Why `row`, one of a gateway's `predictions`, is not `expected` (by output), or empty when it is."""
    outputs = dict.fromkeys(expected, row) if len(expected) == 1 and not _has(row, expected) else row
    if not isinstance(outputs, dict):
        return f"outputs {', '.join(sorted(expected))} were expected, and one came"
    for name, wanted in expected.items():
        if name not in outputs:
            return f"there is no output {name}"
        if found := _difference(outputs[name], wanted, tolerance):
            return f"{name}{found}"
    return ""


def _has(row: JsonValue, expected: Mapping[str, JsonValue]) -> bool:
    return isinstance(row, dict) and expected.keys() <= row.keys()


def _difference(value: JsonValue, wanted: JsonValue, tolerance: Tolerance) -> str:
    """The path to the first value that differs, and both values."""
    if isinstance(wanted, list):
        if not isinstance(value, list) or len(value) != len(wanted):
            return f": {_shown(value)} is no list of {len(wanted)}"
        found = ((place, _difference(*pair, tolerance)) for place, pair in enumerate(zip(value, wanted, strict=True)))
        return next((f"[{place}]{text}" for place, text in found if text), "")
    if _is_number(wanted) and _is_number(value):
        near = abs(value - wanted) <= tolerance.absolute + tolerance.relative * abs(wanted)
        return "" if near else f": {value:.7g} where {wanted:.7g} was expected"
    return "" if value == wanted else f": {_shown(value)} where {_shown(wanted)} was expected"


def _is_number(value: JsonValue) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: JsonValue) -> str:
    return repr(value)[:40]
