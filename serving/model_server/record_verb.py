"""The verb `penstock record`: live requests of a running gateway into a file that can be sent again."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from serving.errors import BackendUnavailable
from serving.model_server.control_path import control_paths
from serving.model_server.record_file import RecordFile, RecordTotals, new_file, record_into
from serving.model_server.recording import RecordOrder

PROGRESS_SECONDS = 1.0
TEXT = (
    "Write requests for MODEL, as the gateway decoded them, into a TFRecord of PredictionLog: TensorFlow Serving's own "
    "format. Ends after --requests or --seconds, else with Ctrl-C."
)


def run(argv: Sequence[str]) -> int:
    """Exit codes: 0 recorded, 1 not, or a process of the gateway went away meanwhile, 2 wrong use."""
    arguments = _parser().parse_args(argv)
    paths = control_paths(arguments.socket)
    if not paths:
        raise BackendUnavailable(
            f"there is no control socket at {arguments.socket}; start the gateway with the setting control_socket"
        )
    order = RecordOrder(
        command="record", model=arguments.model, fraction=arguments.fraction, redact=tuple(arguments.redact)
    )
    with new_file(arguments.out) as file:
        totals = asyncio.run(_record(RecordFile(file, arguments.requests, asyncio.Event()), paths, order, arguments))
    _say(_told(totals, arguments))
    return 1 if totals.lost else 0


async def _record(
    into: RecordFile, paths: Sequence[Path], order: RecordOrder, arguments: argparse.Namespace
) -> RecordTotals:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, into.over.set)
    shows = sys.stderr.isatty()
    await record_into(
        into,
        paths,
        order,
        seconds=arguments.seconds,
        began=lambda processes: _say(began_text(order, processes)),
        tick=lambda totals: sys.stderr.write(f"\r{progress(totals)} ") if shows else None,
        tick_seconds=PROGRESS_SECONDS,
    )
    if shows:
        sys.stderr.write("\n")
    return into.totals


def began_text(order: RecordOrder, processes: int) -> str:
    share = "every request" if order.fraction == 1 else f"{order.fraction:g} of the requests"
    without = f", without {', '.join(order.redact)}" if order.redact else ""
    return (
        f"recording {share} for {order.model}{without}, from {processes} process{'es' * (processes > 1)}; Ctrl-C ends"
    )


def progress(totals: RecordTotals) -> str:
    return f"{totals.written:,} requests, {totals.written_bytes / 1e6:,.1f} MB"


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _told(totals: RecordTotals, arguments: argparse.Namespace) -> str:
    counts = totals.summed()
    lines = [f"{progress(totals)} of {counts.seen:,} seen for {arguments.model}: {arguments.out}"]
    if counts.dropped:
        lines.append(f"{counts.dropped:,} taken and dropped: this end was too slow; a smaller --fraction loses none")
    if counts.left_out:
        lines.append(f"{counts.left_out:,} left out: they have not every field to redact, or are too large")
    if totals.lost:
        lines.append(f"{totals.lost} of the gateway's processes went away; what they had sent is in the file")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="penstock record", description=TEXT)
    parser.add_argument("model", metavar="MODEL", help="whose requests")
    parser.add_argument("--socket", metavar="PATH", type=Path, required=True, help="the gateway's control_socket")
    parser.add_argument("--out", metavar="FILE", type=Path, required=True, help="the file to write")
    parser.add_argument(
        "--fraction", metavar="F", type=_fraction, default=1.0, help="of the requests, by chance (default: all)"
    )
    parser.add_argument(
        "--redact",
        metavar="FIELD",
        nargs="+",
        action="extend",
        default=[],
        help="features whose values do not leave the gateway",
    )
    until = parser.add_mutually_exclusive_group()
    until.add_argument("--requests", metavar="N", type=_count, help="end after so many")
    until.add_argument("--seconds", metavar="S", type=_seconds, help="end after so long")
    return parser


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


def _fraction(text: str) -> float:
    value = _number(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a fraction above 0, at most 1")
    return value


def _seconds(text: str) -> float:
    value = _number(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
