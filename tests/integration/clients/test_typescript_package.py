"""The TypeScript client as a package: its own tests and lint, its types, what it ships, what it says of itself."""

import gzip
import json
import re
from pathlib import Path

import penstock_client
import pytest

from tests.integration.clients.typescript_parts import BUNDLE, FOLDER, MODULE, Node
from tests.processes import ROOT

README = (FOLDER / "README.md").read_text(encoding="utf-8")


def test_it_compiles_and_its_own_tests_pass(typescript: Node) -> None:
    told = typescript.npm_run("test", "--silent")
    assert re.search(r"^# pass [1-9]\d+$", told, re.MULTILINE), told
    assert "# fail 0" in told


def test_lint(typescript: Node) -> None:
    typescript.npm_run("run", "--silent", "lint")


def test_the_types_of_requests_and_answers_are_those_of_the_openapi_document(typescript: Node, tmp_path: Path) -> None:
    fresh = tmp_path / "openapi.ts"
    script = json.loads((FOLDER / "package.json").read_text())["scripts"]["generate"]
    program, *arguments = script.replace("src/openapi.ts", str(fresh)).split()
    done = typescript.run(typescript.node, str(FOLDER / "node_modules" / ".bin" / program), *arguments, cwd=FOLDER)
    assert done.returncode == 0, done.stderr
    same = fresh.read_text() == (FOLDER / "src" / "openapi.ts").read_text()
    assert same, "docs/openapi.json has changed: npm run generate (in clients/typescript), and look at the difference"


def test_the_types_hold_the_client_to_the_document(typescript: Node, tmp_path: Path) -> None:
    for name in ("src", "tsconfig.json", "tsconfig.build.json", "package.json", "node_modules"):
        (tmp_path / name).symlink_to(FOLDER / name) if name != "src" else (tmp_path / name).mkdir()
    for source in FOLDER.glob("src/*.ts"):
        text = source.read_text()
        if source.name == "openapi.ts":
            assert "readonly model_version_status:" in text
            text = text.replace("readonly model_version_status:", "readonly states:")
        (tmp_path / "src" / source.name).write_text(text)
    compiler = FOLDER / "node_modules" / ".bin" / "tsc"
    done = typescript.run(typescript.node, str(compiler), "--noEmit", "--project", "tsconfig.build.json", cwd=tmp_path)
    assert done.returncode != 0
    assert "model_version_status" in done.stdout


def test_the_package_holds_what_was_built_and_no_more(typescript: Node) -> None:
    [packed] = json.loads(typescript.npm_run("pack", "--dry-run", "--json", "--ignore-scripts"))
    names = {file["path"] for file in packed["files"]}
    modules = {source.stem for source in FOLDER.glob("src/*.ts")}
    compiled = {f"dist/{module}{ending}" for module in modules for ending in (".js", ".d.ts")}
    assert names == {"package.json", "README.md", "dist/penstock-client.min.js", *compiled}


def test_it_needs_nothing_at_run_time_and_runs_on_node_18() -> None:
    package = json.loads((FOLDER / "package.json").read_text())
    assert "dependencies" not in package
    assert package["engines"] == {"node": ">=18"}
    assert package["sideEffects"] is False
    assert {version for version in package["devDependencies"].values() if not re.fullmatch(r"[\d.]+", version)} == set()


def test_the_lock_names_no_place_to_download_from() -> None:
    text = (FOLDER / "package-lock.json").read_text()
    assert '"resolved"' not in text
    assert '"integrity": "sha512-' in text


def test_its_errors_are_those_of_the_python_client(typescript: Node) -> None:
    tree = typescript.script("errors.mjs", MODULE.as_uri())
    errors = vars(penstock_client.errors)
    kinds = [kind for kind in errors.values() if isinstance(kind, type) and issubclass(kind, Exception)]
    python = {kind.__name__: kind.__bases__[0].__name__.replace("Exception", "Error") for kind in kinds}
    assert tree == python


def test_its_readme_tells_its_size() -> None:
    if not BUNDLE.exists():
        pytest.skip("needs the TypeScript client built (make client-ts)")
    told = re.search(r"([\d.]+) KB as one file", README)
    assert told
    assert abs(float(told[1]) - len(gzip.compress(BUNDLE.read_bytes(), 9)) / 1000) < 0.1


def test_the_makefile_and_ci_know_its_needs() -> None:
    assert "client-ts:" in (ROOT / "Makefile").read_text()
    assert {"nodejs", "npm", "chromium"} <= set(
        re.findall(r"missing\+=\(([\w-]+)\)", (ROOT / ".ci" / "run").read_text())
    )
