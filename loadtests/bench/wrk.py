"""`wrk`, the closed-loop generator: its Lua script, one run of it, and what it says at its end.

wrk (Debian package `wrk`) keeps a number of connections busy from one thread and counts in C, so that one core of it is
faster than any of the servers here. It is stopped by SIGINT, which it takes as the end of a run, since its own duration
is in whole seconds.
"""

import contextlib
import json
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtests.bench.errors import BenchError
from loadtests.bench.forms import HttpRequest

LONGEST = "1h"
TIMEOUT = "30s"
MARK = "counted "
DONE = """
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('counted {"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"refused":%d,"broken":%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
"""


STARTS = 5
"""Of a wrk that was asked to end before it had begun: a busy machine, and a short turn."""


@dataclass(frozen=True, slots=True)
class WrkCount:
    """One run: `requests` answered, `refused` of them with a status of 400 or more; `broken` had no answer."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    refused: int
    broken: int


def wrk_path(folders: str | None = None) -> str:
    """Where wrk lies, in `folders` or else on the PATH. Raises BenchError with the package's name."""
    path = shutil.which("wrk", path=folders)
    if path is None:
        raise BenchError("the generator wrk is not installed; on Debian and Ubuntu: apt-get install wrk")
    return path


def run_wrk(port: int, requests: Sequence[HttpRequest], connections: int, seconds: float, threads: int = 1) -> WrkCount:
    """Ask with `requests` in turn on every connection for about `seconds`. Raises BenchError when wrk fails."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "ask.lua"
        script.write_text(lua_script(requests, _written_bodies(requests, Path(folder))))
        command = [
            wrk_path(),
            f"-t{threads}",
            f"-c{connections}",
            f"-d{LONGEST}",
            "--timeout",
            TIMEOUT,
            "-s",
            str(script),
        ]
        for _ in range(STARTS):
            process = subprocess.Popen(
                [*command, f"http://127.0.0.1:{port}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
            with contextlib.suppress(subprocess.TimeoutExpired):
                try:
                    process.wait(seconds)  # returns only when it has failed
                finally:
                    process.send_signal(signal.SIGINT)
            printed = _rest(process)
            if process.returncode != -signal.SIGINT:  # which ends it where it had not begun yet
                break
        return parse_count(printed)


def _rest(process: "subprocess.Popen[str]") -> str:
    try:
        return process.communicate(timeout=60)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()[0]


def _written_bodies(requests: Sequence[HttpRequest], folder: Path) -> list[Path]:
    bodies = [folder / f"body_{place}" for place in range(len(requests))]
    for path, request in zip(bodies, requests, strict=True):
        path.write_bytes(request.body)
    return bodies


def lua_script(requests: Sequence[HttpRequest], bodies: Sequence[Path]) -> str:
    """One request is formatted once by wrk itself; several are sent in turn."""
    lines = [
        "local function body(path)",
        "  local file = assert(io.open(path, 'rb'))",
        "  local text = file:read('*all')",
        "  file:close()",
        "  return text",
        "end",
    ]
    if len(requests) == 1:
        (request,) = requests
        lines += [
            "wrk.method = 'POST'",
            f"wrk.path = {lua_string(request.path)}",
            *(f"wrk.headers[{lua_string(name)}] = {lua_string(value)}" for name, value in request.headers.items()),
            f"wrk.body = body({lua_string(str(bodies[0]))})",
        ]
    else:
        lines += ["local all, place = {}, 0", "function init()"]
        for request, path in zip(requests, bodies, strict=True):
            headers = ", ".join(f"[{lua_string(k)}] = {lua_string(v)}" for k, v in request.headers.items())
            text = f"wrk.format('POST', {lua_string(request.path)}, {{{headers}}}, body({lua_string(str(path))}))"
            lines.append(f"  table.insert(all, {text})")
        lines += ["end", "function request()", "  place = place % #all + 1", "  return all[place]", "end"]
    return "\n".join(lines) + DONE


def lua_string(text: str) -> str:
    """A Lua literal of any text: every byte that is not a plain character as its number."""
    plain = "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\{byte:03d}" for byte in text.encode())
    return f'"{plain}"'


def parse_count(printed: str) -> WrkCount:
    """Raises BenchError with all that wrk printed when it did not come to its end."""
    line = next((line for line in printed.splitlines() if line.startswith(MARK)), None)
    if line is None:
        raise BenchError(f"wrk did not finish: {printed.strip()[-500:]}")
    found = json.loads(line.removeprefix(MARK))
    return WrkCount(
        requests=found["requests"],
        seconds=found["microseconds"] / 1e6,
        p50_ms=found["p50"] / 1e3,
        p99_ms=found["p99"] / 1e3,
        refused=found["refused"],
        broken=found["broken"],
    )
