"""Penstock's commands as real processes: run to their end, or a gateway that stays."""

import contextlib
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.preloaded import PENSTOCK, SERVING, Preloaded, run_preloaded

ROOT = Path(__file__).parents[1]
SERVE = ("serve", "--port", "0", "--grpc-port", "0")
PLAIN = frozenset({"--workers", "--tfserving-addresses"})
"""Options of gateways that are started by the command line itself."""
START_SECONDS, STOP_SECONDS = 120.0, 60.0
"""Bounds on waiting for events, far beyond what they take; no test judges speed."""


@dataclass
class GatewayProcess:
    """`penstock serve` as a process; `lines` holds what it printed until it was live, `log` all of it so far."""

    process: subprocess.Popen[str]
    url: str
    lines: list[str]
    log: list[str] = field(default_factory=list)
    reader: threading.Thread = field(default_factory=threading.Thread)

    def whole_log(self) -> list[str]:
        """All that it said, once it has ended."""
        self.reader.join(STOP_SECONDS)
        return self.log

    @property
    def grpc_address(self) -> str:
        return next(line.split()[1] for line in self.lines if line.startswith("gRPC "))

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:  # noqa: S310 - a loopback address
            body = answer.read()
        return json.loads(body) if answer.headers["content-type"] == "application/json" else body.decode()

    def post(self, path: str, body: bytes, content_type: str = "application/json") -> tuple[int, Any, dict[str, str]]:
        """Status, parsed body and headers (names in lower case), whatever the status is."""
        request = urllib.request.Request(self.url + path, body, {"content-type": content_type})  # noqa: S310 - loopback
        try:
            answer = urllib.request.urlopen(request, timeout=30)  # noqa: S310 - loopback
        except urllib.error.HTTPError as refused:
            answer = refused
        with answer:
            return answer.status, json.loads(answer.read()), {k.lower(): v for k, v in answer.headers.items()}

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(with_signal)
        return self.process.wait(STOP_SECONDS)


StartGateway = Callable[..., GatewayProcess]


def penstock(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the command to its end; fails the test with its output unless it exits with `code`."""
    done = subprocess.run(
        [sys.executable, "-m", "penstock_cli", *arguments], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def trained(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`penstock train` to its end, which must be a good one, in a process that starts with TensorFlow."""
    done = run_preloaded([PENSTOCK, "train", *arguments])
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def probe(script: Path, *arguments: str) -> Any:
    """What a script that loads TensorFlow, in a process of its own, prints as JSON on its last line."""
    ran = run_preloaded([script, *arguments])
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


def start_gateway_process(
    stack: contextlib.ExitStack, arguments: tuple[str, ...], environment: dict[str, str], by: tuple[str, ...] = ()
) -> GatewayProcess:
    """`by` is a program that becomes the gateway, such as one that gives it another user."""
    process = _serving(by, [*SERVE, *arguments], {**os.environ, **environment})
    stack.callback(_end, process)
    lines: queue.Queue[str] = queue.Queue()
    log: list[str] = []
    reader = threading.Thread(target=_read, args=(process, lines, log), daemon=True)
    reader.start()
    printed: list[str] = []
    while not printed or not printed[-1].startswith("Stop"):
        line = lines.get(timeout=START_SECONDS)
        assert line, f"the gateway ended with {process.wait()}: {''.join(printed)}"
        printed.append(line)
    url = re.search(r"https?://\S+", next(line for line in printed if "serves" in line))
    assert url, printed
    return GatewayProcess(process, url[0], [line.rstrip("\n") for line in printed], log, reader)


def _serving(by: tuple[str, ...], words: list[str], environment: dict[str, str]) -> subprocess.Popen[str]:
    """With the gateway's modules imported, unless workers will import them, or the environment reaches deeper."""
    outputs: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "env": environment}
    changed = {name for name in environment if environment[name] != os.environ.get(name)}
    plain = by or not PLAIN.isdisjoint(words)  # the second would start with the library that it does without
    if plain or not all(name.startswith("PENSTOCK_") for name in changed):
        return subprocess.Popen([*by, sys.executable, "-m", "penstock_cli", *words], text=True, **outputs)
    return Preloaded(SERVING, [PENSTOCK, *words], **outputs)


def _read(process: subprocess.Popen[str], lines: "queue.Queue[str]", log: list[str]) -> None:
    assert process.stdout
    with contextlib.suppress(
        ValueError
    ):  # closed meanwhile: workers whose supervisor was killed still say that they go
        for line in process.stdout:
            log.append(line)
            lines.put(line)
    lines.put("")


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()
    if process.stdout:
        process.stdout.close()
