"""The root README's way to ask the gateway: its Python, its shell lines and what `make up` prints, run and compared."""

import ast
import contextlib
import os
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.console_pages import console_examples, prints_what_is_shown
from tests.processes import GatewayProcess, penstock

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
ADDRESS = re.compile(r"(?:http://)?(?:localhost|127\.0\.0\.1):8080")


@pytest.mark.parametrize("wire", ["http", "grpc"])
def test_the_python_lines_give_what_their_comments_say(gateway: GatewayProcess, wire: str) -> None:
    address = gateway.url if wire == "http" else f"grpc://{gateway.grpc_address}"
    (block,) = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    said = re.findall(r"  # ([^:\n]+)", block)
    values: list[object] = []
    program = ast.fix_missing_locations(_Kept().visit(ast.parse(ADDRESS.sub(address, block))))
    with contextlib.chdir(ROOT):
        exec(compile(program, "README.md", "exec"), {"keep": values.append})  # noqa: S102 - the README's own lines
    assert len(values) == 2
    for value, shown in zip(values, said, strict=True):
        assert prints_what_is_shown(repr(value), shown)


class _Kept(ast.NodeTransformer):
    """Hands the value of each line that is an expression to `keep`, as a prompt would show it."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr:
        return ast.Expr(ast.Call(ast.Name("keep", ast.Load()), [node.value], []))


def test_the_shell_line_names_the_digit(gateway: GatewayProcess) -> None:
    (line,) = re.findall(r"From the shell: `penstock ([^`]+)`", TEXT)
    with contextlib.chdir(ROOT):
        printed = penstock(*shlex.split(line), "--url", gateway.url).stdout
    assert printed.startswith("3 ")


def test_the_curl_line_prints_what_is_shown(gateway: GatewayProcess, program: Callable[[str], str]) -> None:
    program("curl")
    (example,) = console_examples(TEXT)
    command = ADDRESS.sub(gateway.url, example.command)
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True, env=os.environ)
    assert prints_what_is_shown(ran.stdout, example.output), ran.stdout


def test_the_gateway_prints_what_the_readme_says_make_up_ends_with(gateway: GatewayProcess) -> None:
    (block,) = re.findall(r"^```\n(Ask diabetes.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    shown = ADDRESS.sub(gateway.url, block).replace("127.0.0.1:8500", gateway.grpc_address)
    lines = [line for line in shown.splitlines() if line]
    assert len(lines) > 4
    assert [line for line in lines if not any(prints_what_is_shown(printed, line) for printed in gateway.lines)] == []
