"""The two verbs of the object store: what the documents say of them is what they take."""

import re
import shlex
from pathlib import Path

import pytest

from serving.mirror_verb import mirror_parser, run
from serving.push_verb import push_parser

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "object-store.md").read_text()
COMMANDS = {
    re.split(r" {2,}", line)[0]
    for line in re.findall(r"penstock (?:mirror|push) [^`\n]+", PAGE)
    if re.match(r"penstock (?:mirror --check-health|\w+ s3:)", line)
}


def test_the_page_has_commands_of_every_kind() -> None:
    for part in ("--once", "--watch", "--check-health", "penstock push"):
        assert any(part in command for command in COMMANDS)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_a_command_of_the_page_is_taken(command: str) -> None:
    _, verb, *arguments = shlex.split(command)
    parsed = (mirror_parser if verb == "mirror" else push_parser)().parse_intermixed_args(arguments)
    assert parsed.models


@pytest.mark.parametrize(
    "arguments",
    [
        ["s3://models"],
        ["--once"],
        ["s3://models", "--once", "--watch", "3"],
        ["s3://models", "--watch", "0"],
        ["s3://models", "--watch", "nan"],
        ["s3://models", "--once", "--keep", "0"],
    ],
)
def test_wrong_use_is_exit_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(arguments)
    assert ended.value.code == 2


def test_a_store_within_the_model_directory_is_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([str(tmp_path / "models" / "store"), "--models", str(tmp_path / "models"), "--once"]) == 2
    assert "lies in the other" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_models_name_that_is_none_is_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([str(tmp_path / "store"), "--models", str(tmp_path / "models"), "--once", "--model", "../x"]) == 2
    assert "not a model name" in capsys.readouterr().err
