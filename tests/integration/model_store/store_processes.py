"""An S3 on loopback as a process (moto's server), and Penstock's commands that speak with it."""

import os
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.preloaded import PENSTOCK, STORE, TRAINING, run_preloaded
from tests.processes import ROOT, START_SECONDS, STOP_SECONDS


def s3_environment(port: int) -> dict[str, str]:
    """Only what the libraries read themselves; the keys are made up, and moto takes any."""
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "AWS_ACCESS_KEY_ID": "made-up",
        "AWS_SECRET_ACCESS_KEY": "made-up-too",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }


class S3:
    """Keeps its objects in memory: ended and started again it is on the same port, and empty."""

    def __init__(self) -> None:
        self.port = 0
        self._process: subprocess.Popen[str] | None = None

    @property
    def environment(self) -> dict[str, str]:
        return s3_environment(self.port)

    def start(self) -> None:
        program = "from moto.server import main; main()"
        self._process = subprocess.Popen(
            [sys.executable, "-c", program, "-H", "127.0.0.1", "-p", str(self.port)], stderr=subprocess.PIPE, text=True
        )
        assert self._process.stderr
        for line in self._process.stderr:
            if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                self.port = int(found[1])
                break
        threading.Thread(target=self._process.stderr.read, daemon=True).start()
        self.put("models", b"")

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait(STOP_SECONDS)
            if self._process.stderr:
                self._process.stderr.close()
            self._process = None

    def put(self, path: str, content: bytes) -> None:
        """Puts an object, or makes a bucket, as any other program would."""
        address = f"http://127.0.0.1:{self.port}/{path}"
        headers = {
            "content-type": "application/octet-stream",  # urllib's own says that it is a form
            "authorization": "AWS4-HMAC-SHA256 Credential=made-up/20300102/us-east-1/s3/aws4_request",
        }
        request = urllib.request.Request(address, content, headers, method="PUT")
        with urllib.request.urlopen(request, timeout=START_SECONDS):  # noqa: S310 - the same
            pass

    def get(self, path: str) -> bytes:
        address = f"http://127.0.0.1:{self.port}/{path}"
        with urllib.request.urlopen(address, timeout=START_SECONDS) as answer:
            content: bytes = answer.read()
            return content

    def has(self, path: str) -> bool:
        try:
            self.get(path)
        except urllib.error.HTTPError:
            return False
        return True

    def run(self, *arguments: str, code: int = 0) -> str:
        """Runs `penstock` to its end; what it printed."""
        preload = TRAINING if arguments[0] == "train" else STORE
        done = run_preloaded([PENSTOCK, *arguments], preload, **self.environment)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


def penstock_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "penstock_cli", *arguments]


class MirrorProcess:
    """`penstock mirror` that stays; `until` waits for something it says."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._said = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(STOP_SECONDS)
        self._reader.join(STOP_SECONDS)
        if self.process.stdout:
            self.process.stdout.close()

    def until(self, wanted: Callable[[list[str]], bool]) -> None:
        with self._said:
            assert self._said.wait_for(lambda: wanted(self.lines), START_SECONDS), self.lines

    def says(self, text: str) -> None:
        self.until(lambda lines: any(text in line for line in lines))

    def terminate(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self._said:
                self.lines.append(line.rstrip())
                self._said.notify_all()


@contextmanager
def mirroring(environment: dict[str, str], *arguments: str) -> Iterator[MirrorProcess]:
    process = subprocess.Popen(
        penstock_command("mirror", *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )
    mirror = MirrorProcess(process)
    try:
        yield mirror
    finally:
        mirror.end()


def staged_files(node: Path, but: Collection[str]) -> int:
    """How many files lie on the node in staging folders, `but` those of these names."""
    folders = [folder for folder in node.glob("*/.staging-*") if folder.name not in but]
    return sum(len(files) for folder in folders for _, _, files in os.walk(folder))
