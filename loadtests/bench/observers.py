"""What logs, traces, the prediction log and drift cost a request: processor time in one process, without any network.

usage: python -m loadtests.bench.observers MODELS [ROUNDS] 2>/dev/null     (prints a table in Markdown)

The first model of the directory is asked its first golden example, answered from memory. Ways of observing take
short turns, so that whatever else the machine does meets all alike; of each the least is told: nothing disturbed it.
"""

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from loadtests.bench.errors import BenchError
from serving.app import create_app
from serving.model_settings import ModelSettings
from serving.model_store.published import published_signatures
from serving.model_store.versions import read_manifest
from serving.settings import Settings

ROUNDS, TURN_REQUESTS, LONG_TURN_REQUESTS, TOGETHER = 100, 160, 1_600, 16
LONG_ROUNDS = 6
UNSAMPLED = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
WRITING_SECONDS = 0.15
"""In which the threads write what was observed: they look ten times a second."""


@dataclass(slots=True)
class Way:
    """One way of observing: what is set for the gateway and for the model, and whether each request has a header of its
    own, so that its head must be read anew. `loop_us` and `all_us`: a request's processor time in the event loop's
    thread and in all, one of each a round.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)
    headers: tuple[tuple[bytes, bytes], ...] = ()
    loop_us: list[float] = field(default_factory=list)
    all_us: list[float] = field(default_factory=list)


def ways(folder: Path) -> list[Way]:
    tracing = {"tracing_endpoint": "http://127.0.0.1:1", "tracing_sample_ratio": 0.0}
    traced = ((b"traceparent", UNSAMPLED),)
    return [
        Way("nothing"),
        Way("access log, every request", {"access_log": True}),
        Way("access log, failures alone", {"access_log": True, "access_log_share": 0.0}),
        Way("tracing, none sampled", tracing),
        Way("nothing, a `traceparent` each", headers=traced),
        Way("tracing, a `traceparent` each that says no", tracing, headers=traced),
        Way("tracing, every request, no collector", {**tracing, "tracing_sample_ratio": 1.0}),
        Way("prediction log, every request", {"prediction_log": folder}, {"prediction_log_share": 1.0}),
        Way("prediction log, one in a hundred", {"prediction_log": folder}, {"prediction_log_share": 0.01}),
        Way("drift, every request", {}, {"drift_share": 1.0}),
        Way("drift, one in a hundred", {}, {"drift_share": 0.01}),
    ]


class Asked:
    """A gateway that is asked without a socket."""

    def __init__(self, app: Any, model: str, body: bytes, way: Way) -> None:
        self._front, self._body, self._way, self._missing = app.state.front, body, way, 0
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), *way.headers]
        self._scope = {"path": f"/v1/models/{model}:predict", "headers": headers}
        self._begin = self._front.prepare(self._scope)

    async def ask(self, requests: int) -> None:
        for _ in range(requests // TOGETHER):
            self._missing = TOGETHER
            for _ in range(TOGETHER):
                begin = self._front.prepare(self._scope) if self._way.headers else self._begin
                begin(self._body, self._answered)
            while self._missing:  # noqa: ASYNC110 - a turn or two; an Event would be part of what is measured
                await asyncio.sleep(0)

    async def measure_loop(self) -> None:
        began = time.thread_time()
        await self.ask(TURN_REQUESTS)
        self._way.loop_us.append((time.thread_time() - began) / TURN_REQUESTS * 1e6)

    async def measure_all(self) -> None:
        """What the threads do comes after the requests."""
        await asyncio.sleep(WRITING_SECONDS)
        began = time.process_time()
        await self.ask(LONG_TURN_REQUESTS)
        await asyncio.sleep(WRITING_SECONDS)
        self._way.all_us.append((time.process_time() - began) / LONG_TURN_REQUESTS * 1e6)

    def _answered(self, response: Any, request_id: str) -> None:
        del request_id
        if response.status != 200:
            raise RuntimeError(response.body)
        self._missing -= 1


async def measured(models: Path, rounds: int, folder: Path) -> list[Way]:
    model = min(published_signatures(models))
    manifest = read_manifest(models, model, 1)
    if manifest is None or not manifest.golden_examples:
        raise BenchError(f"version 1 of {model} has no golden example to ask")
    body = json.dumps({"instances": [manifest.golden_examples[0].instance]}).encode()
    asked, found = [], ways(folder)
    async with AsyncExitStack() as stack:
        for way in found:
            settings = Settings(
                models=models,
                backend="in_memory",
                grpc_port=0,
                model={model: ModelSettings(**way.model)},
                **way.settings,
            )
            app = create_app(settings)
            await stack.enter_async_context(app.state.gateway.running())
            await app.state.gateway.started.wait()
            asked.append(Asked(app, model, body, way))
        for each in asked:
            await each.ask(TURN_REQUESTS)
        for _ in range(rounds):
            for each in asked:
                await each.measure_loop()
        for _ in range(LONG_ROUNDS):
            for each in asked:
                await each.measure_all()
    return found


def table(found: list[Way]) -> str:
    """Beside each way, what it adds to the plain one it is to be compared with: that with the same headers."""
    plain = {way.headers: way for way in reversed(found) if not way.settings and not way.model}
    lines = [
        "| observed | us a request, event loop | more | us a request, all threads | more |",
        "|---|---|---|---|---|",
    ]
    for way in found:
        loop, whole, base = min(way.loop_us), min(way.all_us), plain[way.headers]
        more = (loop - min(base.loop_us), whole - min(base.all_us))
        lines.append(f"| {way.name} | {loop:.1f} | {more[0]:+.1f} | {whole:.1f} | {more[1]:+.1f} |")
    return "\n".join(lines)


def main(arguments: list[str]) -> str:
    rounds = int(arguments[1]) if len(arguments) > 1 else ROUNDS
    with TemporaryDirectory() as folder:
        return table(asyncio.run(measured(Path(arguments[0]), rounds, Path(folder))))


if __name__ == "__main__":
    print(main(sys.argv[1:]))  # noqa: T201 - this is its answer
