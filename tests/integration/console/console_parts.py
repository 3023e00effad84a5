"""The console as its tests see it: its folder, its build, and scenes played in a real browser."""

import json
import os
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import absent
from tests.processes import ROOT

FOLDER = ROOT / "serving" / "console"
PAGE = FOLDER / "dist" / "index.html"
SCENES = Path(__file__).with_name("scenes")
SCENE_SECONDS = 120.0
"""A bound on one scene, far beyond what it takes."""


@dataclass(frozen=True, slots=True)
class Theatre:
    """Node and Chromium, in a checkout whose console is built."""

    node: str
    npm: str
    chromium: str

    def play(self, scene: str, url: str, wishes: Mapping[str, Callable[[], object]] | None = None) -> Any:
        """What the scene found. `wishes` are what it may ask for on its way.

        Fails the test when the scene fails, when the page asked anybody but its own gateway, when its
        Content-Security-Policy was violated, or when the browser logged an error.
        """
        command = [self.node, str(SCENES / f"{scene}.mjs"), str(FOLDER), url]
        environment = {**os.environ, "PENSTOCK_CHROMIUM": self.chromium}
        told: dict[str, Any] = {}
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        ) as process:
            assert process.stdout
            assert process.stderr
            bound = threading.Timer(SCENE_SECONDS, process.kill)
            bound.start()
            try:
                for line in process.stdout:
                    told = json.loads(line)
                    if "please" in told:
                        (wishes or {})[told["please"]]()
                complaint = process.stderr.read()
            finally:
                bound.cancel()
                process.kill()
        assert "found" in told, complaint
        wrong = {kind: told[kind] for kind in ("outside", "violations", "complaints") if told[kind]}
        assert not wrong, wrong
        return told["found"]

    def npm_run(self, *arguments: str) -> str:
        """What an npm command prints in the console's folder; fails the test unless it exits with 0."""
        done = subprocess.run(
            [self.npm, *arguments], capture_output=True, text=True, check=False, timeout=SCENE_SECONDS, cwd=FOLDER
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def built(node: str, npm: str, chromium: str) -> Theatre:
    """Ends the test where the console is not built; fails it where the sources have changed since."""
    if not PAGE.exists() or not (FOLDER / "node_modules" / "playwright-core").exists():
        absent("needs the console built (make console)")
    sources = [FOLDER / "index.html", FOLDER / "vite.config.ts", *(FOLDER / "src").rglob("*.*")]
    newest = max(source.stat().st_mtime for source in sources)
    assert PAGE.stat().st_mtime >= newest, "the console's sources have changed since it was built: make console"
    return Theatre(node, npm, chromium)
