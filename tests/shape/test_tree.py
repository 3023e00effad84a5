"""The shape of the repository: what the design fixes and a person would otherwise have to remember."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

import penstock_cli

ROOT = Path(__file__).parents[2]
TOP_LEVEL = {
    "training", "serving", "clients", "k8s", "loadtests", "tests", "docs", "requirements", ".ci",
    "Dockerfile.gpu", "compose.yaml", "README.md", "CHANGELOG.md", "Makefile", "pyproject.toml", "penstock_cli.py",
    ".dockerignore", ".gitignore", "SECURITY.md",
}  # fmt: skip
SOURCES = ("training", "serving", "clients", "k8s", "loadtests", "penstock_cli.py")
GENERATED = {"clients/typescript/src/openapi.ts"}
NO_NAMES = re.compile(r"(utils?|helpers?|common|misc|managers?|handlers?)\.py$")
ADDRESSES = re.compile(r"(py" r"pi|pythonhost" r"ed|npm" r"js)\.(org|com)|file:" r"//|/wo" r"rk/")


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.splitlines()


def modules() -> list[Path]:
    return [ROOT / name for name in tracked() if name.endswith(".py") and name.startswith(SOURCES)]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_module_says_what_it_is_for_and_is_small(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    assert ast.get_docstring(tree)
    assert text.count("\n") <= 300
    assert not NO_NAMES.search(path.name)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert [node.name for node in functions if (node.end_lineno or 0) - node.lineno + 1 > 50] == []


def scripts() -> list[Path]:
    """TypeScript that a person wrote, its tests too."""
    names = [name for name in tracked() if name.endswith((".ts", ".tsx", ".mts"))]
    return [ROOT / name for name in names if name not in GENERATED]


@pytest.mark.parametrize("path", scripts(), ids=lambda path: str(path.relative_to(ROOT)))
def test_script_says_what_it_is_for_and_is_small(path: Path) -> None:
    text = path.read_text()
    assert text.startswith(("/**", "//")) or "test" in path.parts
    assert text.count("\n") <= 300
    assert not NO_NAMES.search(f"{path.stem}.py")


def test_top_level_is_the_designs() -> None:
    assert {name.split("/")[0] for name in tracked()} <= TOP_LEVEL


def test_no_file_names_a_registry_or_a_path_of_one_machine() -> None:
    found = [name for name in tracked() if ADDRESSES.search((ROOT / name).read_text(errors="replace"))]
    assert found == []


def test_every_requirement_is_pinned_hashed_and_only_one_is_tensorflow() -> None:
    text = (ROOT / "requirements" / "dev.txt").read_text().replace("\\\n", " ")
    requirements = [line for line in text.splitlines() if line.strip()]
    assert [line for line in requirements if not re.match(r"\S+==\S+ .*--hash=sha256:", line)] == []
    names = [line.split("==")[0] for line in requirements]
    assert [name for name in names if name.startswith("tensorflow")] == ["tensorflow-cpu", "tensorflow-serving-api"]


@pytest.mark.parametrize("path", sorted((ROOT / "requirements" / "peers").glob("*.txt")), ids=lambda path: path.stem)
def test_every_peers_requirement_is_pinned_hashed_and_its_tensorflow_is_ours(path: Path) -> None:
    lines = [line for line in path.read_text().replace("\\\n", " ").splitlines() if line.strip()]
    assert [line for line in lines if not re.match(r"\S+==\S+ .*--hash=sha256:", line)] == []
    ours = re.search(r'"(tensorflow-cpu==\S+)"', (ROOT / "pyproject.toml").read_text())
    assert ours
    assert [line.split()[0] for line in lines if line.startswith("tensorflow-cpu")] == [ours[1]]


def test_makefile_has_every_target_that_the_readme_names() -> None:
    named = set(re.findall(r"(?:^|`)make ([a-z][a-z-]*)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert {"up", "test", "check"} <= named
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert named <= targets


def test_readme_names_every_verb_and_no_other() -> None:
    named = set(re.findall(r"`penstock ([a-z0-9-]+)", (ROOT / "README.md").read_text()))
    assert named == set(penstock_cli.SUMMARIES)


def test_links_between_the_documents_lead_somewhere() -> None:
    broken = [
        f"{name}: {target}"
        for name in tracked()
        if name.endswith(".md")
        for target in re.findall(r"\]\((?!http|#)([^)#]+)", (ROOT / name).read_text())
        if not ((ROOT / name).parent / target).exists()
    ]
    assert broken == []


def test_ci_runs_what_make_check_runs() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    assert "make check" in script
    assert "PENSTOCK_REQUIRE_ALL=1" in script
