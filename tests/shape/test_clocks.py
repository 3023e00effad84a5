"""No part of serving goes by the wall clock, which jumps: it is only written down, in what people do by command."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
WALL_CLOCK = {("time", "time"), ("time", "time_ns"), ("datetime", "now"), ("datetime", "utcnow"), ("date", "today")}
WRITE_IT_DOWN = {
    "serving/access/key_ring.py",
    "serving/access/visitors.py",
    "serving/keys_verb.py",
    "serving/label_moves.py",
    "serving/mirror_verb.py",
    "serving/models_verb.py",
    "serving/push_verb.py",
    "serving/observability/wall_clock.py",
    "serving/traffic/candidates.py",
    "serving/traffic/standing.py",
    "serving/traffic/watcher.py",
}
"""What puts the moment into a model's history, whose order is that of its lines; into the log, spans and files; and
what tells how long ago, by another machine's clock, a version was made, or whether a credential's time is up. A key's
moments are written by a verb, and a file's moment tells one file from another.
"""


def clocks_read(path: Path) -> Iterator[str]:
    """The wall clocks that a module names, called or handed on."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            value = node.value
            owner = value.id if isinstance(value, ast.Name) else value.attr if isinstance(value, ast.Attribute) else ""
            if (owner, node.attr) in WALL_CLOCK or node.attr.startswith(("st_mtime", "st_ctime")):
                yield node.attr
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (name.name for name in node.names if ("time", name.name) in WALL_CLOCK)


def test_only_what_writes_history_reads_the_wall_clock() -> None:
    reading = {str(path.relative_to(ROOT)) for path in (ROOT / "serving").rglob("*.py") if any(clocks_read(path))}
    assert reading == WRITE_IT_DOWN
