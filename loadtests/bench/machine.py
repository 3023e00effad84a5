"""What a figure was measured on: the machine and the versions, read once at the start of a run."""

import os
import platform
import re
import subprocess
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from loadtests.bench.processes import Cores

PACKAGES = ("fastapi", "grpcio", "httptools", "keras", "numpy", "orjson", "tensorflow-cpu", "uvicorn", "uvloop")
GIBIBYTE = 1 << 30
BUSY_LOAD = 0.5
"""Load above this before anything was started: somebody else is using the cores."""


def machine_facts(cores: Cores) -> dict[str, str]:
    """Processor, memory, system, cores in use, and how busy they were before the run."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIBIBYTE
    return {
        "processor": model[1] if model else platform.machine(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "system": f"{_system_name()}, Linux {platform.release()}",
        "server's core": str(cores.server),
        "generator's core": str(cores.generator),
        "load before the run": f"{os.getloadavg()[0]:.2f}",
    }


def doubts(cores: Cores) -> list[str]:
    """Why figures taken now would mean little; none on a quiet machine with two cores."""
    found = []
    if os.getloadavg()[0] > BUSY_LOAD:
        found.append("This machine is busy with something else: only ratios will mean something.")
    if cores.server == cores.generator:
        found.append("Server and generator share the one core: no figure will mean much.")
    return found


def versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Of Python, of the generator and of the packages that are installed."""
    found = {"python": platform.python_version(), "wrk": _wrk_version()}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def environment_version(environment: Path, package: str) -> str:
    """The version of a package in another virtual environment; empty when it is not there."""
    found = environment.glob(f"lib/python*/site-packages/{package}-*.dist-info")
    return next((path.name.removesuffix(".dist-info").rpartition("-")[2] for path in found), "")


def _wrk_version() -> str:
    try:
        printed = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return "not installed"
    found = re.search(r"wrk (\S+)", printed)
    return found[1] if found else "unknown"


def _system_name() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()
