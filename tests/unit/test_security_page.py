"""SECURITY.md names tests and settings that are there, and every threat has a test."""

import ast
import re
from pathlib import Path

from serving.settings import Settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text()
THREATS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.split("## Threats")[1].split("\n## ")[0].splitlines()
    if line.startswith("| ")
][1:]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def functions(path: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


def test_every_threat_has_a_test_that_is_there() -> None:
    assert len(THREATS) > 10
    for threat, _, _, shown in THREATS:
        named = NAMED.findall(shown)
        assert len(named) == shown.count("::") > 0, threat
        for file, function in named:
            assert (ROOT / file).is_file(), f"{threat}: {file}"
            assert function in functions(ROOT / file), f"{threat}: {file}::{function}"


def test_every_setting_named_is_one() -> None:
    for threat, _, settings, _ in THREATS:
        assert set(re.findall(r"`(\w+)`", settings)) <= set(Settings.model_fields), threat


def test_make_targets_named_are_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)`", PAGE)) <= targets
