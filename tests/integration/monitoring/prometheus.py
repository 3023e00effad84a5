"""A Prometheus of a test's own: started on a free port with the committed configuration, asked over its HTTP API."""

import contextlib
import json
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.integration.tfserving.conftest import free_port
from tests.processes import START_SECONDS

MONITORING = Path(__file__).parents[3] / "k8s" / "components" / "monitoring"
LAPTOP = MONITORING / "prometheus.yaml"
SCRAPE = "1s"
PAUSE_SECONDS = 0.1
"""Between two looks at something that has no event to wait for; it decides nothing."""


@dataclass(frozen=True)
class Series:
    labels: dict[str, str]
    value: float


@dataclass(frozen=True)
class Prometheus:
    url: str

    def get(self, path: str, **parameters: str) -> Any:
        query = urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=30) as answer:  # noqa: S310 - loopback
                return json.loads(answer.read())["data"]
        except urllib.error.HTTPError as refused:
            raise AssertionError(f"{parameters}: {refused.read().decode()}") from refused

    def query(self, expr: str) -> list[Series]:
        """What the expression has now."""
        found = self.get("query", query=expr)["result"]
        return [Series(each["metric"], float(each["value"][1])) for each in found]

    def scraped(self, selector: str, minutes: int) -> list[list[float]]:
        """Of each series, every value of the last minutes, oldest first."""
        found = self.get("query", query=f"{selector}[{minutes}m]")["result"]
        return [[float(value) for _, value in each["values"]] for each in found]

    def value(self, expr: str) -> float:
        (found,) = self.query(expr)
        return found.value

    def until(self, expr: str, reached: Callable[[list[Series]], object] = bool) -> list[Series]:
        """The first answer that is as it should be: one with anything in it, unless told otherwise."""
        latest = time.monotonic() + START_SECONDS
        while not reached(found := self.query(expr)):
            assert time.monotonic() < latest, (expr, found)
            threading.Event().wait(PAUSE_SECONDS)
        return found


def configuration(targets: Sequence[str]) -> dict[str, Any]:
    """The committed one, with other targets, asked oftener."""
    document: dict[str, Any] = yaml.safe_load(LAPTOP.read_text())
    document["global"] = {"scrape_interval": SCRAPE, "scrape_timeout": SCRAPE, "evaluation_interval": SCRAPE}
    document["rule_files"] = [str(MONITORING / pattern) for pattern in document["rule_files"]]
    (job,) = document["scrape_configs"]
    job["static_configs"] = [{"targets": list(targets)}]
    return document


def start_prometheus(stack: contextlib.ExitStack, program: str, config: Path, data: Path) -> Prometheus:
    address = f"127.0.0.1:{free_port()}"
    command = [program, "--config.file", str(config), "--storage.tsdb.path", str(data)]
    process = subprocess.Popen(
        [*command, "--web.listen-address", address], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    stack.callback(_end, process)
    ready, log = threading.Event(), list[str]()
    threading.Thread(target=_read, args=(process, ready, log), daemon=True).start()
    assert ready.wait(START_SECONDS), log
    assert process.poll() is None, log
    return Prometheus(f"http://{address}")


def _read(process: "subprocess.Popen[str]", ready: threading.Event, log: list[str]) -> None:
    assert process.stderr
    for line in process.stderr:
        log.append(line)
        if "ready to receive web requests" in line:
            ready.set()
    ready.set()


def _end(process: "subprocess.Popen[str]") -> None:
    if process.poll() is None:
        process.kill()
    process.wait()
    if process.stderr:
        process.stderr.close()
