"""The model of a benchmark published once more, as a version of its own: the same network under the next number."""

import json
import shutil
import time
import urllib.request
from pathlib import Path

from loadtests.bench.dense_model import MODEL
from loadtests.bench.errors import BenchError
from loadtests.bench.processes import ServerProcess
from serving.contract.manifest import parse_manifest, render_manifest
from serving.contract.model_directory import VersionPaths

GIVE_UP_SECONDS, LOOK_SECONDS = 30.0, 0.05


def stage_next(models: Path, version: int) -> Path:
    """A copy of the version before it, not seen by any server yet."""
    staged = models / MODEL / f".{version}"
    shutil.copytree(models / MODEL / str(version - 1), staged)
    manifest = VersionPaths(staged).manifest
    numbered = parse_manifest(manifest.read_bytes()).model_copy(update={"version": version})
    manifest.write_bytes(render_manifest(numbered))
    return staged


def swap_in(server: ServerProcess, staged: Path, version: int) -> tuple[float, float]:
    """The moments (time.perf_counter) of the rename and of the old version's end; its files are removed.

    Raises BenchError when the server goes on with the old one.
    """
    renamed = time.perf_counter()
    staged.rename(staged.with_name(str(version)))
    until = time.monotonic() + GIVE_UP_SECONDS
    while _live(server) != {str(version)}:
        if time.monotonic() > until:
            raise BenchError(f"version {version} was not swapped in:\n{server.log_end()}")
        time.sleep(LOOK_SECONDS)
    over = time.perf_counter()
    shutil.rmtree(staged.with_name(str(version - 1)))
    return renamed, over


def _live(server: ServerProcess) -> set[str]:
    url = f"http://127.0.0.1:{server.port}/v1/models/{MODEL}"
    with urllib.request.urlopen(url, timeout=GIVE_UP_SECONDS) as answer:
        states = json.loads(answer.read())["model_version_status"]
    return {state["version"] for state in states if state["state"] != "END"}
