"""Servers beside each other: each in turn alone on its core, the generator on another, round after round.

Rounds are interleaved, so that a machine that slows down slows all of them, and ratios are taken within a round. A
server runs only while it is measured; every row is checked and warmed up before it is timed.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from loadtests.bench.dense_model import DenseModel
from loadtests.bench.errors import BenchError
from loadtests.bench.lineup import MODEL_CALL, Row, Server
from loadtests.bench.listening import check_loopback_only
from loadtests.bench.probes import measure_model_call
from loadtests.bench.processes import Cores, ServerProcess, running_server
from loadtests.bench.samples import Sample
from loadtests.bench.targets import Measured

WARM_UP_SHARE = 0.5
"""Of a turn, before it: for caches, learned batch times and the processor's own frequency."""
MOST_WARM_UP_SECONDS = 1.5

Tell = Callable[[int, str, Sample], object]
"""Hears of every turn: its round from 1 on, its row and what came of it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how hard is measured; `logs` is the folder for what the servers print."""

    rounds: int
    seconds: float
    connections: int
    logs: Path

    @property
    def warm_up_seconds(self) -> float:
        return min(MOST_WARM_UP_SECONDS, self.seconds * WARM_UP_SHARE)


@dataclass(slots=True)
class Outcome:
    """Samples by row, as they come in, and the rows that were left out with the reason."""

    samples: dict[str, list[Sample]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def measured(self, rows: Mapping[str, Row]) -> dict[str, Measured]:
        """In the order of `rows`; the model call alone comes last."""
        names = [*(name for name in rows if name in self.samples), *({MODEL_CALL} & self.samples.keys())]
        plain = {name: (rows[name].rows, rows[name].clock) for name in rows}
        return {name: Measured(tuple(self.samples[name]), *plain.get(name, (1, "wall"))) for name in names}

    def leave_out(self, server: Server, reason: str) -> None:
        for row in server.rows:
            self.samples.pop(row.name, None)
            self.left_out[row.title] = reason


@dataclass(frozen=True, slots=True)
class SideBySide:
    """One run over `model`; `tell` hears of every turn as it ends."""

    plan: Plan
    model: DenseModel
    cores: Cores
    tell: Tell
    outcome: Outcome = field(default_factory=Outcome)

    def run(self, servers: Sequence[Server], *, model_call: bool) -> Outcome:
        """Every row of `servers`, and the model call alone where asked for.

        A server that is not here, or an optional one that fails, is left out with the reason; raises BenchError when
        another fails or answers wrongly.
        """
        for server in servers:
            if server.missing:
                self.outcome.leave_out(server, server.missing)
        for turn in range(1, self.plan.rounds + 1):
            for server in servers:
                if not any(row.title in self.outcome.left_out for row in server.rows):
                    self._server_turn(turn, server)
            if model_call:
                self._take(turn, MODEL_CALL, measure_model_call(self.model, self.cores.server, self.plan.seconds))
        return self.outcome

    def _server_turn(self, turn: int, server: Server) -> None:
        log = self.plan.logs / f"{server.name}.log"
        command = functools.partial(server.command, self.model)
        try:
            with running_server(command, self.cores.server, log, server.environment(self.model)) as running:
                for row in server.rows:
                    self._prepare(running, row, any_address=server.any_address)
                    self._take(turn, row.name, row.probe.measure(running, self.plan.connections, self.plan.seconds))
        except BenchError as error:
            if not server.optional:
                raise BenchError(f"{server.name}: {error}") from error
            self.outcome.leave_out(server, str(error))

    def _prepare(self, running: ServerProcess, row: Row, *, any_address: bool) -> None:
        running.wait_until(lambda: row.probe.is_up(running))
        if not any_address:
            check_loopback_only(running.pid)
        row.probe.check(running, self.model)
        row.probe.measure(running, self.plan.connections, self.plan.warm_up_seconds)

    def _take(self, turn: int, row: str, sample: Sample) -> None:
        self.outcome.samples.setdefault(row, []).append(sample)
        self.tell(turn, row, sample)
