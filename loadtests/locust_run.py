"""What happens around Locust's users: payloads before they start, every request counted, and at the end the result,
the verdict and the exit code. Only Locust's own process may import this.

With several processes each worker counts for itself and tells the master, which alone writes and judges.
"""

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gevent
from grpc.experimental import gevent as grpc_gevent
from locust import LoadTestShape
from locust.runners import MasterRunner, WorkerRunner

from loadtests.asked_model import NotServed, ask_model
from loadtests.locust_options import add_options
from loadtests.payloads import payloads
from loadtests.run_result import NO_ANSWER_STATUS, RunResult
from loadtests.shapes import SCENARIOS, Scenario, users_at
from loadtests.slo import judge, parse_objective
from loadtests.tally import SETTLED_SECONDS, Counted, Tally
from loadtests.users import DEFAULT_URL
from serving.access.key_argument import chosen_key, without_keys
from serving.errors import InvalidSettings

TOLD, LAST = "penstock_counted", "penstock_last"
"""Keys of a worker's report, and the name of the message with what it counted after its last report."""
WORKERS_SECONDS = 10.0
"""Waited at most for what the workers have yet to say."""
TELL_SECONDS = 1.0
LOOK_SECONDS = 0.02
"""Between two looks at how late this process is: 50 a second cost it nothing one could measure."""
BUSY = (
    "the load generator used more than 90 % of its core, so latencies hold its own waiting; "
    "take fewer --users, more --think-seconds or --processes"
)


def listen(events: Any) -> None:
    events.init_command_line_parser.add_listener(add_options)
    events.init.add_listener(_begin)


def _begin(environment: Any, **_: Any) -> None:
    """Once a process: a worker of `--processes` has been forked by now, which gRPC must not have seen."""
    grpc_gevent.init_gevent()
    gevent.get_hub().loop.update_now()  # timers count from the loop's last turn, and imports have taken long: -t 2s
    LocustRun(environment).listen()


class ScenarioShape(LoadTestShape):
    """A scenario of `shapes.py` as Locust wants it."""

    abstract = True  # none is chosen unless --scenario names it

    def __init__(self, scenario: Scenario, options: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # Locust's
        self._scenario, self._users = scenario, options.scenario_users
        self.seconds = options.scenario_seconds or scenario.seconds
        self._spawn_rate = options.scenario_spawn_rate
        self._is_over = False

    def end(self) -> None:
        """Before its time, with all that was counted."""
        self._is_over = True

    def tick(self) -> tuple[int, float] | None:
        passed_seconds: float = self.get_run_time()  # type: ignore[no-untyped-call] # Locust's
        users = users_at(self._scenario, passed_seconds, users=self._users, seconds=self.seconds)
        if users is not None and not self._is_over:
            return users, self._spawn_rate
        if self.runner:
            _stop_all(self.runner)
        return None


def _stop_all(runner: Any) -> None:
    """Ends the users and waits for all that workers counted, which Locust's own end does not; and until the workers
    listen again, so that they hear that they may quit.
    """
    workers = len(runner.clients.all) if isinstance(runner, MasterRunner) else 0
    runner.stop()
    _wait_until(lambda: not workers or len(runner.clients.ready) >= workers)


def _wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + WORKERS_SECONDS
    while not holds() and time.monotonic() < until:
        gevent.sleep(0.05)


class LocustRun:
    """One process's part in a run. Locust calls the listeners, one greenlet at a time."""

    def __init__(self, environment: Any) -> None:
        self._environment, self._options = environment, environment.parsed_options
        self._counted, self._tally = Counted(), Tally(time.time())
        self._is_busy, self._model = False, ""
        self._stopped_at: float | None = None
        self._workers = 0
        self._last_parts: set[str] = set()

    def listen(self) -> None:
        events, runner = self._environment.events, self._environment.runner
        events.test_start.add_listener(self._start)
        events.test_stopping.add_listener(self._stopping)
        events.test_stop.add_listener(self._stop)
        events.cpu_warning.add_listener(self._warn)
        events.request.add_listener(self._count)
        if isinstance(runner, WorkerRunner):
            events.report_to_master.add_listener(self._report)
            return
        events.worker_report.add_listener(self._merge_report)
        events.quitting.add_listener(self._finish)
        if isinstance(runner, MasterRunner):
            runner.register_message(LAST, self._merge_last)
        if self._options.scenario:
            shape = ScenarioShape(SCENARIOS[self._options.scenario], self._options)
            shape.runner = runner
            self._environment.shape_class = shape
            gevent.signal_handler(signal.SIGTERM, shape.end)

    @property
    def url(self) -> str:
        return str(self._environment.host or DEFAULT_URL)

    def _start(self, **_: Any) -> None:
        self._tally, self._stopped_at, self._last_parts = Tally(time.time()), None, set()
        runner = self._environment.runner
        try:
            key = chosen_key(self._options.api_key, token=self._options.token)
            model = ask_model(self.url, self._options.model or None, api_key=key)
        except (NotServed, InvalidSettings) as reason:
            logging.getLogger(__name__).error("%s", reason)  # noqa: TRY400 - a message for people
            self._environment.process_exit_code = 1
            runner.quit()
            return
        self._model = model.name
        wires = {kind.wire for kind in self._environment.user_classes}
        seed = self._options.seed
        self._environment.penstock_payloads = {wire: payloads(model, seed, wire=wire) for wire in wires}
        if isinstance(runner, MasterRunner):
            self._workers = len(runner.clients.all)
        else:
            runner.greenlet.spawn(self._keep_looking)
        if not isinstance(runner, WorkerRunner):
            runner.greenlet.spawn(self._keep_telling)

    def _count(
        self,
        response_time: float,
        exception: Exception | None,
        start_time: float,
        response: Any,
        context: Any,
        **_: Any,
    ) -> None:
        """Locust rounds `response_time` in its own figures; here it still is what the clock measured."""
        if response is None:
            status, is_answered = context["status"], context["is_answered"]
        else:
            status = str(response.status_code or NO_ANSWER_STATUS)
            is_answered = status != NO_ANSWER_STATUS
        latency = response_time / 1e3 if is_answered else None
        self._counted.count(start_time, status, latency, str(exception) if exception else None)

    def _warn(self, **_: Any) -> None:
        self._is_busy = True

    def _report(self, data: dict[str, Any], **_: Any) -> None:
        data[TOLD] = {**self._counted.drain(), "is_busy": self._is_busy}

    def _merge_report(self, data: dict[str, Any], **_: Any) -> None:
        if TOLD in data:
            self._tally.merge(data[TOLD])
            self._is_busy = self._is_busy or data[TOLD]["is_busy"]

    def _merge_last(self, msg: Any, **_: Any) -> None:
        self._tally.merge(msg.data)
        self._last_parts.add(msg.node_id)

    def _stopping(self, **_: Any) -> None:
        self._stopped_at = self._stopped_at or time.time()

    def _stop(self, **_: Any) -> None:
        runner = self._environment.runner
        if isinstance(runner, WorkerRunner):
            runner.send_message(LAST, dict(self._counted.drain()))
            return
        if isinstance(runner, MasterRunner):
            _wait_until(lambda: len(self._last_parts) >= self._workers)

    def _keep_looking(self) -> None:
        """How late a timer of this process is served: an answer that came meanwhile waited as long to be seen."""
        while self._stopped_at is None:
            due = time.perf_counter() + LOOK_SECONDS
            gevent.sleep(LOOK_SECONDS)
            self._counted.lateness.append(max(0.0, time.perf_counter() - due))

    def _keep_telling(self) -> None:
        while self._stopped_at is None:
            gevent.sleep(TELL_SECONDS)
            self._tally.merge(self._counted.drain())
            self._tally.settle(time.time() - SETTLED_SECONDS)
            self._tell()

    def _tell(self) -> None:
        if self._options.tell_fd >= 0:
            os.write(self._options.tell_fd, (json.dumps(self._live()) + "\n").encode())

    def _live(self) -> dict[str, Any]:
        now = self._stopped_at or time.time()
        recent, tally = self._tally.recent(now), self._tally
        return {
            "elapsed_seconds": now - tally.started,
            "users": self._environment.runner.user_count,
            "per_second": recent.per_second,
            "p50_seconds": recent.p50_seconds,
            "p95_seconds": recent.p95_seconds,
            "p99_seconds": recent.p99_seconds,
            "sent": tally.sent,
            "failed": tally.sent - tally.good,
        }

    def _finish(self, **_: Any) -> None:
        if self._environment.process_exit_code is not None:
            return
        if not self._model:
            self._environment.process_exit_code = 1 if self._options.slo else None
            return
        self._tally.merge(self._counted.drain())
        self._tell()
        result = self._result()
        if self._options.slo:
            file = Path(self._options.slo)
            verdict = judge(result, parse_objective(file.read_text(), file.name), file.stem)
            sys.stdout.write("\n".join(verdict.reasons) + "\n")
            self._environment.process_exit_code = 0 if verdict.met else 1
            result = result.model_copy(update={"verdict": verdict})
        if self._options.result:
            result.write(Path(self._options.result))

    def _result(self) -> RunResult:
        tally = self._tally
        latencies, intervals = tally.ended()
        wires = sorted({kind.wire for kind in self._environment.user_classes})
        return RunResult(
            generator="locust",
            scenario=self._options.scenario or "locust",
            protocol=wires[0] if len(wires) == 1 else "mixed",
            url=self.url,
            model=self._model,
            command=without_keys(sys.argv),
            started_at=datetime.fromtimestamp(tally.started, UTC).isoformat(timespec="seconds"),
            seconds=(self._stopped_at or time.time()) - tally.started,
            sent=tally.sent,
            good=tally.good,
            statuses=dict(tally.statuses),
            errors=dict(tally.errors),
            latency=latencies.encoded(),
            lateness=tally.lateness.encoded(),
            invalid_because=BUSY if self._is_busy else None,
            intervals=intervals,
        )
