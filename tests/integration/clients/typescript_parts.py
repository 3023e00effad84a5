"""The TypeScript client as the tests run it: its folder, its build, and scripts in Node."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import absent
from tests.processes import ROOT

FOLDER = ROOT / "clients" / "typescript"
BUNDLE = FOLDER / "dist" / "penstock-client.min.js"
MODULE = FOLDER / "dist" / "index.js"
PLAYWRIGHT = FOLDER / "node_modules" / "playwright-core" / "index.mjs"
SCRIPTS = Path(__file__).with_name("typescript")
RUN_SECONDS = 120.0
"""A bound on waiting for a script, far beyond what one takes."""


@dataclass(frozen=True, slots=True)
class Node:
    """Node and npm, in a checkout whose client is built."""

    node: str
    npm: str

    def script(self, name: str, *arguments: str) -> Any:
        """What a script of the folder `typescript` prints as JSON on its last line."""
        done = self.run(self.node, str(SCRIPTS / name), *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def npm_run(self, *arguments: str) -> str:
        """What an npm command prints in the client's folder; fails the test unless it exits with 0."""
        done = self.run(self.npm, *arguments, cwd=FOLDER)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def run(
        self, *command: str, cwd: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=RUN_SECONDS, cwd=cwd, env=environment
        )


def built(node: str, npm: str) -> Node:
    """Ends the test where the client is not built, or was changed since."""
    if not BUNDLE.exists() or not PLAYWRIGHT.exists():
        absent("needs the TypeScript client built (make client-ts)")
    sources = [*FOLDER.glob("src/*.ts"), FOLDER / "package.json", *FOLDER.glob("tsconfig*.json")]
    newest = max(source.stat().st_mtime for source in sources)
    assert BUNDLE.stat().st_mtime >= newest, "the TypeScript client has changed since it was built: make client-ts"
    return Node(node, npm)
