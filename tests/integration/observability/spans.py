"""A collector as a process, and what it was sent."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from tests.processes import ROOT

COLLECTOR = ROOT / "tests" / "integration" / "observability" / "collector.py"
SECONDS = 30.0
"""Spans come within a fifth of a second."""

Span: TypeAlias = dict[str, Any]


@dataclass
class Collector:
    """`address` is where it listens."""

    process: subprocess.Popen[str]
    address: str = ""
    _spans: list[Span] = field(default_factory=list)
    _came: threading.Condition = field(default_factory=threading.Condition)

    def read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self._came:
                self._spans.append(json.loads(line))
                self._came.notify_all()

    def until(self, is_enough: Callable[[list[Span]], bool]) -> list[Span]:
        """All spans so far, once there are enough."""
        with self._came:
            found = self._came.wait_for(lambda: is_enough(self._spans), SECONDS)
            assert found, self._spans
            return list(self._spans)

    def trace(self, trace_id: str, *names: str) -> list[Span]:
        """The front gateway's spans of a trace, once it has one of each of these names."""

        def of_trace(spans: list[Span]) -> list[Span]:
            return [each for each in spans if each["trace_id"] == trace_id and each["service"] == "penstock"]

        return of_trace(self.until(lambda spans: set(names) <= {span["name"] for span in of_trace(spans)}))


def start_collector() -> Collector:
    process = subprocess.Popen([sys.executable, str(Path(COLLECTOR))], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    collector = Collector(process, process.stdout.readline().strip())
    threading.Thread(target=collector.read, daemon=True).start()
    return collector


def named(spans: list[Span], name: str, service: str = "") -> Span:
    """The only one of its name, of a service where that is given."""
    (found,) = [span for span in spans if span["name"] == name and service in ("", span["service"])]
    return found
