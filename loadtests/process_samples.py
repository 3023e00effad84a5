"""How a process is at a moment, as Linux tells it below /proc."""

import os
import re
from pathlib import Path

from loadtests.run_result import ServerSample

KIBIBYTE = 1024


def sample_of(pid: int, at_seconds: float) -> ServerSample | None:
    """Memory, threads, open files and processor time of that process alone; None when it is gone or another's."""
    folder = Path(f"/proc/{pid}")
    try:
        status = (folder / "status").read_text()
        fields = re.sub(r"^.*\) ", "", (folder / "stat").read_text(), flags=re.DOTALL).split()
        open_files = sum(1 for _ in (folder / "fd").iterdir())
    except OSError:
        return None
    return ServerSample(
        at_seconds=at_seconds,
        cpu_seconds=(int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
        resident_bytes=_number(status, "VmRSS") * KIBIBYTE,
        threads=_number(status, "Threads"),
        open_files=open_files,
    )


def _number(status: str, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+)", status, re.MULTILINE)
    return int(found[1]) if found else 0
