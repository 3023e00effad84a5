"""How the server is while a load goes on: read once a second from its /metrics, and from /proc where it runs here.

One reading costs the gateway about as much as a few requests; it is made by a thread, since a busy server answers late.
"""

import math
import os
import re
import threading
import time
import urllib.parse
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from loadtests.asked_model import keyed_request
from loadtests.run_result import ServerSample

EVERY_SECONDS, PATIENCE_SECONDS = 1.0, 5.0
LISTEN = "0A"
_LINE = re.compile(r"^([a-z_]+)(?:\{([^}]*)\})? (\S+)$", re.MULTILINE)
_CPU, _MEMORY, _FILES = "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"
_ROWS, _BATCHES, _QUEUE = "penstock_batch_rows_sum", "penstock_batch_rows_count", "penstock_queue_rows"


class ServerWatch:
    """Samples from `with` to its end; `begin` puts their zero at the start of the load.

    A gateway that asks for a key tells its metrics to one for the verb `metrics`; with another a sample says less.
    """

    def __init__(
        self, url: str, model: str, clock: Callable[[], float] = time.monotonic, *, api_key: str | None = None
    ) -> None:
        self._url, self._model, self._clock, self._api_key = url.rstrip("/"), model, clock, api_key
        self._pids = pids_listening(_port(url)) if _is_here(url) else frozenset()
        self._samples: list[ServerSample] = []
        self._before: Mapping[str, float] = {}
        self._started = clock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep_looking, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def begin(self, ago_seconds: float = 0.0) -> None:
        """The load began now, or so long ago; what was read before is forgotten."""
        self._samples, self._started = [], self._clock() - ago_seconds

    @property
    def samples(self) -> tuple[ServerSample, ...]:
        """Those since the begin."""
        return tuple(sample for sample in self._samples if sample.at_seconds >= 0)

    def _keep_looking(self) -> None:
        while True:
            taken = self._clock()
            now = metric_sums(self._scraped(), self._model)
            here = process_facts(self._pids)
            found = sample(now, self._before, here, at_seconds=taken - self._started)
            self._before = now or self._before
            self._samples.append(found)
            if self._over.wait(max(0.0, EVERY_SECONDS - (self._clock() - taken))):
                return

    def _scraped(self) -> str:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(keyed_request(f"{self._url}/metrics", self._api_key), timeout=PATIENCE_SECONDS) as answer:
                return str(answer.read().decode())
        except (OSError, ValueError):
            return ""  # a server that cannot be read now, or has no metrics at all: the sample says less


def metric_sums(text: str, model: str) -> dict[str, float]:
    """Prometheus's text to the sum of each metric over its labels; of those with a model's name, only this model's."""
    found: defaultdict[str, float] = defaultdict(float)
    for name, labels, value in _LINE.findall(text):
        if 'model_name="' not in labels or f'model_name="{model}"' in labels:
            found[name] += float(value)
    return dict(found)


def sample(
    now: Mapping[str, float], before: Mapping[str, float], here: Mapping[str, float], *, at_seconds: float
) -> ServerSample:
    """`now` and `before` are metrics, `here` what /proc says, which is preferred: it knows threads too."""
    batches = now.get(_BATCHES, 0.0) - before.get(_BATCHES, math.inf)
    rows = now.get(_ROWS, 0.0) - before.get(_ROWS, 0.0)
    facts = {**now, **here}
    memory, files, threads = (facts.get(name) for name in (_MEMORY, _FILES, "threads"))
    return ServerSample(
        at_seconds=at_seconds,
        cpu_seconds=facts.get(_CPU),
        resident_bytes=None if memory is None else int(memory),
        threads=None if threads is None else int(threads),
        open_files=None if files is None else int(files),
        mean_batch_rows=rows / batches if batches > 0 else None,
        queue_rows=now.get(_QUEUE),
    )


def process_facts(pids: frozenset[int]) -> dict[str, float]:
    """The sum over the processes, by the names that /metrics has, and `threads`; empty when one cannot be read."""
    found: defaultdict[str, float] = defaultdict(float)
    try:
        for pid in pids:
            folder = Path(f"/proc/{pid}")
            fields = folder.joinpath("stat").read_text().rpartition(")")[2].split()
            found[_CPU] += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            found["threads"] += int(fields[17])
            found[_MEMORY] += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
            found[_FILES] += len(list(folder.joinpath("fd").iterdir()))
    except OSError:
        return {}
    return dict(found)


def pids_listening(port: int) -> frozenset[int]:
    """The processes of this machine that hold a socket listening on the port, as far as they may be looked into."""
    inodes = {inode for table in ("tcp", "tcp6") for inode in _inodes(Path(f"/proc/net/{table}"), port)}
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/*") if inodes else ():
        try:
            name = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(link))  # noqa: PTH115 - the target is no path
        except OSError:
            continue
        if name and name[1] in inodes:
            found.add(int(link.parts[2]))
    return frozenset(found)


def _inodes(table: Path, port: int) -> set[str]:
    rows = [line.split() for line in table.read_text().splitlines()[1:]] if table.exists() else []
    return {row[9] for row in rows if row[3] == LISTEN and int(row[1].rpartition(":")[2], 16) == port}


def _is_here(url: str) -> bool:
    return urllib.parse.urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1") and Path("/proc/net/tcp").exists()


def _port(url: str) -> int:
    return urllib.parse.urlsplit(url).port or 80
