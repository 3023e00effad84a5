"""Values as a reader wants them: numbers of a few digits, text that fits its place. Pure."""

import numpy as np

CUT = "…"


def number(value: float | None) -> str:
    """Four significant digits, thousands separated; a dash for what is undefined."""
    if value is None:
        return "-"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}"


def share(value: float | None) -> str:
    """Of 1, four decimals, so that a column of them lines up; a dash for what is undefined."""
    return "-" if value is None else f"{value:.4f}"


def short(value: str, longest: int) -> str:
    """`value` on one line of at most `longest` characters, its end cut off; what cannot be printed is left out."""
    line = "".join(c if c.isprintable() else " " for c in value)
    line = " ".join(line.split())
    return line if len(line) <= longest else line[: longest - 1] + CUT


def squeezed(label: str, longest: int) -> str:
    """As `short`, but the middle is cut out: labels are told apart by their ends as often as by their beginnings."""
    line = short(label, len(label))
    if len(line) <= longest:
        return line
    tail = longest // 3
    return line[: longest - 1 - tail] + CUT + line[-tail:]


def natural(value: object, longest: int = 120) -> str:
    """One cell of a column: a number, text (bytes are UTF-8), or the beginning of an array."""
    if isinstance(value, np.ndarray):
        return short(np.array2string(value, precision=4, threshold=8, edgeitems=2, separator=", "), longest)
    if isinstance(value, bytes):
        return short(value.decode("utf-8", errors="replace"), longest)
    if isinstance(value, str):
        return short(value, longest)
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, int | float | np.integer | np.floating):
        return number(float(value))
    return short(str(value), longest)


def counted(count: int, thing: str) -> str:
    """`1 row`, `1,258 rows`."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"
