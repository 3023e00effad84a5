"""What the forms of a request cost beside each other, and the memory that a long stream of rows takes.

usage: python -m loadtests.bench.binary_routes --models DIR [--rounds N] [--rows N]

DIR needs the jobs digits and diabetes. The gateway has one core, the client another; rounds take turns. Prints tables
for the docs.
"""

import argparse
import asyncio
import json
import re
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from loadtests.bench.asking import answers
from loadtests.bench.dense_model import Floats
from loadtests.bench.forms import HttpRequest, http_bytes, json_request, npy_request, oip_binary_request
from loadtests.bench.processes import ServerProcess, gateway_command, resident_megabytes, running_server, take_cores

HOST = "127.0.0.1"
CONNECTIONS, SECONDS = 16, 2.0
PATIENT = (59, 2, 32.1, 101, 157, 93.2, 38, 4, 4.86, 87)
NAMES = "age,sex,bmi,bp,s1,s2,s3,s4,s5,s6"


@dataclass(frozen=True, slots=True)
class Route:
    """One form of the same request."""

    name: str
    request: HttpRequest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=1_000_000)
    arguments = parser.parse_args()
    cores = take_cores()
    with gateway(arguments.models, cores.server) as running:
        sys.stdout.write(ratios(running.port, arguments.rounds))
    with gateway(arguments.models, cores.server) as running:
        sys.stdout.write(streams(running, arguments.rows))


@contextmanager
def gateway(models: Path, core: int) -> Iterator[ServerProcess]:
    """A gateway on one core that answers."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_server(lambda *ports: gateway_command(models, *ports), core, Path(folder) / "log") as running,
    ):
        running.wait_until(lambda: answers(running.port, routes()[-1].request))
        yield running


def _digit() -> Floats:
    return (np.arange(64, dtype=np.float32) % 17).reshape(1, 8, 8)


def routes() -> list[Route]:
    """One row of 64 numbers in every form."""
    predict, infer = "/v1/models/digits:predict", "/v2/models/digits/infer"
    return [
        Route("npy in, npy out", npy_request(predict, _digit())),
        Route("OIP, raw tensors", oip_binary_request(infer, _digit())),
        Route("JSON", json_request(predict, _digit())),
    ]


def ratios(port: int, rounds: int) -> str:
    """Requests a second of every route, medians, as a table."""
    measured: dict[str, list[float]] = {}
    for _ in range(rounds):
        for route in routes():
            measured.setdefault(route.name, []).append(asyncio.run(_rate(port, http_bytes(route.request))))
    medians = {name: statistics.median(rates) for name, rates in measured.items()}
    first = next(iter(medians.values()))
    lines = [f"| {name} | {rate:,.0f} | {rate / first:.2f} |" for name, rate in medians.items()]
    return "\n".join(["| form, one row | requests/s | of npy's |", "|---|---:|---:|", *lines, "", ""])


async def _rate(port: int, request: bytes) -> float:
    until = time.perf_counter() + SECONDS
    counts = await asyncio.gather(*(_ask(port, request, until) for _ in range(CONNECTIONS)))
    return sum(counts) / SECONDS


async def _ask(port: int, request: bytes, until: float) -> int:
    reader, writer = await asyncio.open_connection(HOST, port)
    count = 0
    while time.perf_counter() < until:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(head.decode())
        length = re.search(rb"content-length: (\d+)", head)
        await reader.readexactly(int(length[1]) if length else 0)
        count += 1
    writer.close()
    return count


def streams(gateway: ServerProcess, rows: int) -> str:
    """Memory and speed of a stream of `rows` in both forms, as a table."""
    row = dict(zip(NAMES.split(","), PATIENT, strict=True))
    forms = {
        "text/csv": (NAMES.encode() + b"\n", ",".join(map(str, PATIENT)).encode() + b"\n"),
        "application/x-ndjson": (b"", json.dumps(row).encode() + b"\n"),
    }
    lines = []
    for media_type, (head, line) in forms.items():
        idle, started = resident_megabytes(gateway.pid), time.perf_counter()
        answered, most = _stream(gateway, media_type, head, line, rows)
        seconds = time.perf_counter() - started
        lines.append(f"| {media_type} | {answered:,} | {answered / seconds:,.0f} | {idle:.0f} | {most - idle:+.0f} |")
    head_lines = ["| stream | rows | rows/s | MB idle | MB more at most |", "|---|---:|---:|---:|---:|"]
    return "\n".join([*head_lines, *lines, ""])


def _stream(gateway: ServerProcess, media_type: str, head: bytes, line: bytes, rows: int) -> tuple[int, float]:
    """Lines answered, and the most megabytes that the gateway held meanwhile."""
    with socket.create_connection((HOST, gateway.port)) as connection:
        sending = threading.Thread(target=_send, args=(connection, media_type, head, line, rows))
        sending.start()
        answered, most, looked, tail = 0, 0.0, 0.0, b""
        while not tail.endswith(b"0\r\n\r\n"):
            data = connection.recv(1 << 16)
            if not data:
                raise SystemExit("the gateway closed the connection")
            answered += data.count(b"\n") - data.count(b"\r\n")  # a row's line, not the framing's
            tail = (tail + data)[-8:]
            if time.perf_counter() - looked > 0.1:
                looked, most = time.perf_counter(), max(most, resident_megabytes(gateway.pid))
        sending.join()
    return answered, most


def _send(connection: socket.socket, media_type: str, head: bytes, line: bytes, rows: int) -> None:
    path = "/v1/models/diabetes:predict"
    opening = (
        f"POST {path} HTTP/1.1\r\nhost: {HOST}\r\ncontent-type: {media_type}\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    connection.sendall(opening.encode())
    for piece in (head, *(line * 1000 for _ in range(rows // 1000))):
        if piece:
            connection.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
    connection.sendall(b"0\r\n\r\n")


if __name__ == "__main__":
    main()
