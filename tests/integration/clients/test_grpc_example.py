"""The example for languages without a client: the commands of its page, run as they stand beside a real gateway."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.processes import ROOT, GatewayProcess

PAGE = "clients/examples/grpc/README.md"
MOST_LINES = 60


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, gateway: GatewayProcess) -> Path:
    """As much of it as the example needs, so that what it generates stays out of ours."""
    copy = tmp_path_factory.mktemp("repository")
    for folder in ("serving/grpc", "clients/examples/grpc"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("*.py[cio]", "__pycache__"))
    manifest = gateway.get("/v1/models/digits/metadata")["metadata"]["manifest"]
    three = next(each["instance"] for each in manifest["golden_examples"] if likeliest(each) == 3)
    picture = copy / "clients/examples/inputs/three.png"
    picture.parent.mkdir()
    Image.fromarray((np.array(three) * 15.9375).astype(np.uint8)).save(picture)
    return copy


def likeliest(example: dict[str, dict[str, list[float]]]) -> int:
    return int(np.argmax(example["outputs"]["probabilities"]))


@pytest.fixture(scope="module")
def commands(repository: Path) -> list[list[str]]:
    lines = re.findall(r"^\$ python (.*)$", (repository / PAGE).read_text(), re.MULTILINE)
    return [shlex.split(line) for line in lines]


def run(repository: Path, gateway: GatewayProcess, arguments: list[str]) -> "subprocess.CompletedProcess[str]":
    given = [gateway.grpc_address if each == "127.0.0.1:8500" else each for each in arguments]
    command = [sys.executable, "-W", "ignore", *given]
    return subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False, timeout=60)


def test_the_pages_commands_work(repository: Path, gateway: GatewayProcess, commands: list[list[str]]) -> None:
    generate, *predict = commands
    made = run(repository, gateway, generate)
    assert made.returncode == 0, made.stderr
    record, picture = (run(repository, gateway, arguments) for arguments in predict)
    assert re.fullmatch(r"progression = \d+\.?\d* \(version 1, request \S+\)\n", record.stdout), record.stderr
    assert re.fullmatch(r"3 \d+\.\d% \(version 1, request \S+\)\n", picture.stdout), picture.stderr
    refused = run(repository, gateway, [*predict[0][:3], "age=59"])
    assert (refused.returncode, refused.stderr) == (
        1,
        "MissingField: /inputs: input `sex` is missing and has no default\n",
    )


def test_the_program_is_short() -> None:
    assert len((ROOT / PAGE).with_name("predict.py").read_text().splitlines()) < MOST_LINES
