"""What the forms of a request cost beside each other, and the memory that a long stream of rows takes.

usage: python -m loadtests.bench.binary_routes --models DIR [--rounds N] [--rows N]

DIR needs the jobs digits and diabetes. The gateway has one core, the client another; rounds take turns. Prints tables
for the docs.
"""

import argparse
import asyncio
import contextlib
import io
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HOST, PORT = "127.0.0.1", 18180
CONNECTIONS, SECONDS = 16, 2.0
PATIENT = (59, 2, 32.1, 101, 157, 93.2, 38, 4, 4.86, 87)
NAMES = "age,sex,bmi,bp,s1,s2,s3,s4,s5,s6"


@dataclass(frozen=True, slots=True)
class Route:
    """One form of the same request, as the bytes that go over the wire."""

    name: str
    request: bytes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=1_000_000)
    arguments = parser.parse_args()
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    with gateway(arguments.models, min(cores)):
        sys.stdout.write(ratios(arguments.rounds))
    with gateway(arguments.models, min(cores)) as pid:
        sys.stdout.write(streams(pid, arguments.rows))


@contextlib.contextmanager
def gateway(models: Path, core: int) -> Iterator[int]:
    """A gateway on one core, and its process id."""
    command = [sys.executable, "-m", "penstock_cli", "serve", "--models", str(models), "--port", str(PORT)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    os.sched_setaffinity(process.pid, {core})
    try:
        while not _ready():
            if process.poll() is not None:
                raise SystemExit("the gateway did not start")
            time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def _ready() -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{PORT}/v1/models/digits:predict", _digit_json()) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _digit() -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    return (np.arange(64, dtype=np.float32) % 17).reshape(1, 8, 8)


def _digit_json() -> bytes:
    return json.dumps({"instances": _digit().tolist()}).encode()


def routes() -> list[Route]:
    """One row of 64 numbers in every form."""
    file = io.BytesIO()
    np.save(file, _digit())
    tensor = {"name": "image", "shape": [1, 8, 8], "datatype": "FP32", "parameters": {"binary_data_size": 256}}
    text = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    headers = f"content-type: application/octet-stream\r\ninference-header-content-length: {len(text)}\r\n"
    npy = "content-type: application/x-npy\r\naccept: application/x-npy\r\n"
    return [
        Route("npy in, npy out", _request("/v1/models/digits:predict", npy, file.getvalue())),
        Route("OIP, raw tensors", _request("/v2/models/digits/infer", headers, text + _digit().tobytes())),
        Route("JSON", _request("/v1/models/digits:predict", "content-type: application/json\r\n", _digit_json())),
    ]


def _request(path: str, headers: str, body: bytes) -> bytes:
    return f"POST {path} HTTP/1.1\r\nhost: {HOST}\r\n{headers}content-length: {len(body)}\r\n\r\n".encode() + body


def ratios(rounds: int) -> str:
    """Requests a second of every route, medians, as a table."""
    measured: dict[str, list[float]] = {}
    for _ in range(rounds):
        for route in routes():
            measured.setdefault(route.name, []).append(asyncio.run(_rate(route.request)))
    medians = {name: statistics.median(rates) for name, rates in measured.items()}
    first = next(iter(medians.values()))
    lines = [f"| {name} | {rate:,.0f} | {rate / first:.2f} |" for name, rate in medians.items()]
    return "\n".join(["| form, one row | requests/s | of npy's |", "|---|---:|---:|", *lines, "", ""])


async def _rate(request: bytes) -> float:
    until = time.perf_counter() + SECONDS
    counts = await asyncio.gather(*(_ask(request, until) for _ in range(CONNECTIONS)))
    return sum(counts) / SECONDS


async def _ask(request: bytes, until: float) -> int:
    reader, writer = await asyncio.open_connection(HOST, PORT)
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


def streams(pid: int, rows: int) -> str:
    """Memory and speed of a stream of `rows` in both forms, as a table."""
    row = dict(zip(NAMES.split(","), PATIENT, strict=True))
    forms = {
        "text/csv": (NAMES.encode() + b"\n", ",".join(map(str, PATIENT)).encode() + b"\n"),
        "application/x-ndjson": (b"", json.dumps(row).encode() + b"\n"),
    }
    lines = []
    for media_type, (head, line) in forms.items():
        idle, started = _resident_megabytes(pid), time.perf_counter()
        answered, most = _stream(pid, media_type, head, line, rows)
        seconds = time.perf_counter() - started
        lines.append(f"| {media_type} | {answered:,} | {answered / seconds:,.0f} | {idle:.0f} | {most - idle:+.0f} |")
    head_lines = ["| stream | rows | rows/s | MB idle | MB more at most |", "|---|---:|---:|---:|---:|"]
    return "\n".join([*head_lines, *lines, ""])


def _stream(pid: int, media_type: str, head: bytes, line: bytes, rows: int) -> tuple[int, float]:
    """Lines answered, and the most megabytes that the gateway held meanwhile."""
    with socket.create_connection((HOST, PORT)) as connection:
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
                looked, most = time.perf_counter(), max(most, _resident_megabytes(pid))
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


def _resident_megabytes(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1000 if found else float("nan")


if __name__ == "__main__":
    main()
