"""What a benchmark was measured on: `loadtests.environment`, and what only benchmarks have: cores of their own, wrk."""

import re
import subprocess
from pathlib import Path

from loadtests import environment
from loadtests.bench.processes import Cores


def machine_facts(cores: Cores) -> dict[str, str]:
    """Processor, memory, system, cores in use, and how busy they were before the run."""
    facts = environment.machine_facts()
    del facts["generator's cores"]  # the benchmarks pin it to one
    load = facts.pop(environment.LOAD_BEFORE)
    return facts | {
        "server's core": str(cores.server),
        "generator's core": str(cores.generator),
        environment.LOAD_BEFORE: load,
    }


def doubts(cores: Cores) -> list[str]:
    """Why figures taken now would mean little; none on a quiet machine with two cores."""
    found = []
    if environment.load_now() > environment.BUSY_LOAD:
        found.append("This machine is busy with something else: only ratios will mean something.")
    if cores.server == cores.generator:
        found.append("Server and generator share the one core: no figure will mean much.")
    return found


def versions() -> dict[str, str]:
    """Of Python, of the generator and of the packages that are installed."""
    found = environment.versions()
    return {"python": found.pop("python"), "wrk": _wrk_version()} | found


def environment_version(folder: Path, package: str) -> str:
    """The version of a package in another virtual environment; empty when it is not there."""
    found = folder.glob(f"lib/python*/site-packages/{package}-*.dist-info")
    return next((path.name.removesuffix(".dist-info").rpartition("-")[2] for path in found), "")


def _wrk_version() -> str:
    try:
        printed = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return "not installed"
    found = re.search(r"wrk (\S+)", printed)
    return found[1] if found else "unknown"
