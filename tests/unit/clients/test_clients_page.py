"""docs/clients.md beside the code of both clients: its figures, its list of what is retried, its names of errors."""

import re
from pathlib import Path

import penstock_client
from penstock_client.retrying import WORTH_ASKING_AGAIN, Retries
from penstock_client.settings import ClientSettings

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
TYPESCRIPT = ROOT / "clients" / "typescript" / "src"


def typescript(file: str, pattern: str) -> list[str]:
    return re.findall(pattern, (TYPESCRIPT / file).read_text(encoding="utf-8"))


def row(name: str) -> list[str]:
    """The cells of the row of that name: Python's, TypeScript's, the others'."""
    line = re.search(rf"^\| {name} \| (.*) \|$", PAGE, re.MULTILINE)
    assert line
    return line[1].split(" | ")


def test_the_deadline_is_that_of_both_clients() -> None:
    python, same, _ = row("deadline")
    assert python.startswith(f"{ClientSettings().timeout_seconds:g} s ")
    assert same.startswith("the same")
    assert typescript("settings.ts", r"DEFAULT_TIMEOUT_SECONDS = (\d+)") == ["10"]


def test_the_retries_are_those_of_both_clients() -> None:
    python, same, _ = row("retries")
    assert python.startswith(f"{Retries().attempts - 1} at most")
    assert same.startswith(f"{typescript('settings.ts', r'DEFAULT_RETRIES = ([0-9]+)')[0]} at most")


def test_the_page_lists_the_errors_that_are_retried() -> None:
    (sentence,) = re.findall(r"^Retried are (.*?) Predictions", PAGE, re.MULTILINE | re.DOTALL)
    listed = set(re.findall(r"`(\w+)`", sentence))
    assert listed == {kind.__name__ for kind in WORTH_ASKING_AGAIN}
    assert listed == {*typescript("retries.ts", r"\n  errors\.(\w+),"), "QuotaExceeded"}


def test_each_error_that_the_page_names_is_public_in_both_clients() -> None:
    named = set(re.findall(r"`([A-Z][a-z]+[A-Z]\w+|Overloaded|Forbidden|Unauthenticated)`", PAGE))
    named -= {"AsyncClient", "AbortSignal"}
    assert len(named) > 10
    assert named <= set(penstock_client.__all__)
    assert named <= set(typescript("errors.ts", r"export class (\w+)"))
