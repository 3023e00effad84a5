"""gRPC Predict against an empty method of grpc.aio that receives the same bytes: what the whole prediction costs.

Both servers run on one core, one after the other in short turns, so that the ratio is of one run on one machine state.
A load generator in Python is no faster than what it measures, so the figure is requests per second of the server's own
processor time, which is what one core can do; requests per second as they came are printed beside it.

usage: python -m loadtests.bench.grpc_predict [--rounds N] [--seconds S]
"""

import argparse
import asyncio
import functools
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from loadtests.bench.dense_model import build_dense_model, pictures
from loadtests.bench.grpc_load import answers_grpc, keep_calling, predict_request
from loadtests.bench.lineup import EMPTY_GRPC, GRPC, OWN_SERVERS
from loadtests.bench.processes import ServerProcess, running_server, take_cores
from loadtests.bench.samples import Sample, spread, spread_of, turn_by_turn

WAITING = 32
"""Requests under way at once: what fills batches and hides the turns of the wire."""
SERVERS = {"empty": EMPTY_GRPC, "predict": GRPC}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        running = started(stack, folder)
        found = asyncio.run(_interleaved(running, arguments.rounds, arguments.seconds))
    predict, empty = ([sample.per_cpu_second for sample in found[name]] for name in ("predict", "empty"))
    ratio = spread(turn_by_turn(predict, empty, lambda a, b: a / b))
    sys.stdout.write(
        "| method | requests a second of the server's processor time | requests a second |\n|---|---:|---:|\n"
        + "".join(_row(name, samples) for name, samples in found.items())
        + f"\nratio over {arguments.rounds} rounds: median {ratio.median:.2f}, {ratio.least:.2f} to {ratio.most:.2f}\n"
    )


def started(stack: ExitStack, folder: Path) -> dict[str, ServerProcess]:
    """Both servers, on one core, answering."""
    model, cores, message = build_dense_model(folder), take_cores(), predict_request(pictures(1))
    running = {}
    for name, row in SERVERS.items():
        server = next(server for server in OWN_SERVERS if row in server.rows)
        log = folder / f"{name}.log"
        command = functools.partial(server.command, model)
        running[name] = stack.enter_context(running_server(command, cores.server, log))
        running[name].wait_until(functools.partial(answers_grpc, running[name].grpc_address, message))
    return running


def _row(name: str, samples: list[Sample]) -> str:
    cpu, wall = (
        spread_of(samples, rate).median for rate in (lambda sample: sample.per_cpu_second, lambda s: s.per_second)
    )
    return f"| {name} | {cpu:,.0f} | {wall:,.0f} |\n"


async def _interleaved(servers: dict[str, ServerProcess], rounds: int, seconds: float) -> dict[str, list[Sample]]:
    message = predict_request(pictures(1))
    found: dict[str, list[Sample]] = {name: [] for name in servers}
    for turn in range(rounds + 1):
        for name, server in servers.items():
            sample = await keep_calling(server, message, WAITING, seconds)
            if turn:  # the first is for warming up
                found[name].append(sample)
    return found


if __name__ == "__main__":
    main()
