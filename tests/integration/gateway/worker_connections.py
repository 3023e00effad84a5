"""Connections to a gateway of several workers, and what one can learn of which worker is behind each."""

import http.client
import json
import os
import re
import select
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.processes import START_SECONDS, GatewayProcess
from tests.swaps import until

BODY = json.dumps({"instances": [{"x": 1.0}]})


class Connection:
    """One kept-alive connection, whose worker never changes."""

    def __init__(self, gateway: GatewayProcess) -> None:
        self._http = http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=60)

    def get(self, path: str) -> Any:
        self._http.request("GET", path)
        answer = self._http.getresponse()
        body = answer.read()
        assert answer.status == 200, body
        return json.loads(body) if answer.headers["content-type"] == "application/json" else body.decode()

    def predict(self) -> int:
        return self._asked({}).status

    def version(self, **headers: str) -> int:
        """The one that answers; a header's name with `_` for `-`."""
        answer = self._asked({name.replace("_", "-"): value for name, value in headers.items()})
        assert answer.status == 200
        return int(answer.headers["x-model-version"])

    def _asked(self, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        self._http.request("POST", "/v1/models/doubles:predict", BODY, headers)
        answer = self._http.getresponse()
        answer.read()
        return answer

    def close(self) -> None:
        self._http.close()


@dataclass(frozen=True)
class Scraped:
    """Every sample of one scrape by name and labels."""

    samples: Mapping[tuple[str, frozenset[tuple[str, str]]], float]

    def value(self, name: str, **labels: str) -> float:
        """The sum of the samples of this name whose labels include `labels`."""
        wanted = set(labels.items())
        return sum(value for (found, has), value in self.samples.items() if found == name and wanted <= has)

    def counters(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """What may never go backwards: counters and histograms of the gateway's own."""
        endings = ("_total", "_count", "_sum", "_bucket")
        return {
            key: v for key, v in self.samples.items() if key[0].startswith("penstock_") and key[0].endswith(endings)
        }


def scrape(connection: Connection) -> Scraped:
    families = text_string_to_metric_families(connection.get("/metrics"))
    samples = [sample for family in families for sample in family.samples]
    return Scraped({(s.name, frozenset(s.labels.items())): s.value for s in samples})


def scrapes_until(connection: Connection, reached: Callable[[Scraped], bool]) -> list[Scraped]:
    """One scrape after the other, the last one the first that has `reached` what is waited for."""
    made, latest = [scrape(connection)], time.monotonic() + START_SECONDS
    while not reached(made[-1]):
        assert time.monotonic() < latest, made[-1]
        made.append(scrape(connection))
    return made


@dataclass(frozen=True)
class Connections:
    """All that a test opens to one gateway."""

    gateway: GatewayProcess
    opened: list[Connection] = field(default_factory=list)

    def open(self) -> Connection:
        self.opened.append(Connection(self.gateway))
        return self.opened[-1]

    def by_worker(self, each: int) -> dict[int, list[Connection]]:
        """At least `each` connections to either of two workers, while nobody else asks: whose one is, is told by whose
        count goes up.
        """
        found: dict[int, list[Connection]] = {0: [], 1: []}
        observer, latest = self.open(), time.monotonic() + START_SECONDS
        while any(len(connections) < each for connections in found.values()):
            assert time.monotonic() < latest, found
            connection, before = self.open(), scrape(observer)
            assert connection.predict() == 200
            after = scrape(observer)
            (worker,) = [n for n in found if _requests(after, n) > _requests(before, n)]
            found[worker].append(connection)
        return found

    def close(self) -> None:
        for connection in self.opened:
            connection.close()


def _requests(scraped: Scraped, worker: int) -> float:
    return scraped.value("penstock_worker_requests_total", worker=str(worker))


def worker_processes(gateway: GatewayProcess, workers: int = 2) -> dict[int, int]:
    """The process of each worker, as the supervisor's log first named it; the log comes from a thread of its own."""
    named: dict[int, int] = {}

    def all_are_named() -> bool:
        for line in gateway.log:
            if found := re.search(r"worker (\d+) is up \(process (\d+)\)", line):
                named.setdefault(int(found[1]), int(found[2]))
        return len(named) == workers

    until(all_are_named)
    return named


def wait_for_end(process: int, timeout_seconds: float) -> bool:
    """Whether the process, which need not be a child of this one, has ended by then."""
    try:
        descriptor = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], timeout_seconds)[0])
    finally:
        os.close(descriptor)
