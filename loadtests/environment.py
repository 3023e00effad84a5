"""What a figure was measured on: the machine, the versions and the commit, read once before a run starts.

They are those of the process that makes the load; where the server is elsewhere, its own must be told beside them.
"""

import os
import platform
import re
import subprocess
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

PACKAGES = (
    "fastapi",
    "grpcio",
    "httptools",
    "keras",
    "locust",
    "numpy",
    "orjson",
    "penstock",
    "tensorflow-cpu",
    "uvicorn",
    "uvloop",
)
GIBIBYTE = 1 << 30
BUSY_LOAD = 0.5
"""Load above this before anything was started: somebody else is using the cores."""
LOAD_BEFORE = "load before the run"


def environment_facts() -> dict[str, str]:
    """All of it, for `RunResult.environment`: call it before the load begins, or the load is that of the run."""
    return machine_facts() | {"commit": commit()} | versions()


def machine_facts() -> dict[str, str]:
    """Processor, memory, system, cores there and cores this process may use, and how busy they are now."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIBIBYTE
    return {
        "processor": model[1] if model else platform.machine(),
        "cores": str(os.cpu_count()),
        "generator's cores": ", ".join(map(str, sorted(os.sched_getaffinity(0)))),
        "memory": f"{memory:.0f} GiB",
        "system": f"{_system_name()}, Linux {platform.release()}",
        LOAD_BEFORE: f"{load_now():.2f}",
    }


def load_now() -> float:
    """Mean number of processes that wanted a core in the last minute."""
    return os.getloadavg()[0]


def versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Of Python and of the packages that are installed."""
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def commit(folder: Path = Path(__file__).parent) -> str:
    """Of the checkout that `folder` is in, and whether files differ from it; says so where there is none."""
    try:
        head = _git(folder, "rev-parse", "--short=12", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "unknown: not run from a git checkout"
    return f"{head}, with changes that are not committed" if changed else head


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _system_name() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()
