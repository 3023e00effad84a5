"""docs/access-keys.md: its commands print what it shows, and the files in it are such as are taken."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from serving.access.key_file import parse_keys
from serving.access.tokens import MAX_TOKEN_BYTES, MODEL_SCOPE, VERB_OF_SCOPE
from tests.console_pages import console_examples, prints_what_is_shown

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "access-keys.md").read_text(encoding="utf-8")


def test_the_commands_print_what_is_shown(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "penstock").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m penstock_cli "$@"\n')
    (programs / "penstock").chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    examples = console_examples(TEXT)
    assert len(examples) >= 7
    for example in examples:
        command = ["bash", "-c", f"exec 2>&1\n{example.command}"]
        ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path, env=environment)
        assert prints_what_is_shown(" ".join(ran.stdout.split()), " ".join(example.output.split())), example.command


def test_the_files_shown_are_taken() -> None:
    keys, settings = re.findall(r"^```toml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    assert list(parse_keys(keys).key) == ["shop"]
    assert {*tomllib.loads(settings)} == {"token_issuer", "token_audience"}


def test_the_scopes_and_sizes_are_the_codes() -> None:
    assert [word for word in (*VERB_OF_SCOPE, f"{MODEL_SCOPE}*") if f"`{word}`" not in TEXT] == []
    assert f"{MAX_TOKEN_BYTES} bytes" in TEXT
