"""The examples of the client's README, run as they stand but for the gateway's address."""

import doctest
import re
import shlex
from pathlib import Path

import pytest
from penstock_client.__main__ import DEFAULT_URL, predict

from tests.integration.clients.stand_in import PNG_OF_A_SEVEN, StandIn

README = Path(__file__).parents[3] / "clients" / "python" / "README.md"
TEXT = README.read_text(encoding="utf-8")
CONSOLE = re.compile(r"^\$ penstock-predict (?P<arguments>.*)\n(?P<output>(?:(?!\$ |```).*\n)+)", re.MULTILINE)


@pytest.fixture(autouse=True)
def in_a_folder_with_the_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "seven.png").write_bytes(PNG_OF_A_SEVEN)
    monkeypatch.chdir(tmp_path)


def test_the_python_examples_run(stand_in: StandIn) -> None:
    examples = doctest.DocTestParser().get_doctest(
        TEXT.replace(DEFAULT_URL, stand_in.url), {}, "README.md", str(README), 0
    )
    report: list[str] = []
    results = doctest.DocTestRunner().run(examples, out=report.append)
    assert not results.failed, "".join(report)
    assert results.attempted > 10


@pytest.mark.parametrize("example", list(CONSOLE.finditer(TEXT)), ids=lambda example: example["arguments"][:20])
def test_the_shell_examples_run(example: re.Match[str], stand_in: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    assert predict([*shlex.split(example["arguments"]), "--url", stand_in.url]) == 0
    assert capsys.readouterr().out == example["output"]


def test_the_shell_examples_are_found() -> None:
    assert len(CONSOLE.findall(TEXT)) == 3
