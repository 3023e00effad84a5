"""The programs and pages under clients/examples, run as they stand against a gateway with what `make up` trains."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.console_pages import ConsoleExample, console_examples, prints_what_is_shown
from tests.processes import GatewayProcess, StartGateway, penstock

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "clients" / "examples"
CURL_EXAMPLES = console_examples((EXAMPLES / "curl.md").read_text(encoding="utf-8"))

TEXT_JOB = f"""
model = "sms_spam"
description = "whether a text message is spam"
[data]
source = "table"
path = "{ROOT / 'tests' / 'data' / 'sms_spam.tsv'}"
columns = ["kind", "message"]
target = "kind"
quoted = false
[split]
validation = 0.15
test = 0.2
seed = 7
[[features]]
name = "message"
kind = "text"
encode = "multi_hot"
max_tokens = 100
[outputs]
task = "classification"
labels = ["ham", "spam"]
[network]
family = "mlp"
units = [4]
activation = "relu"
dropout = 0.1
[optimisation]
learning_rate = 0.001
[fit]
epochs = 1
batch_rows = 32
patience_epochs = 1
seed = 1
[publish]
metric = "accuracy"
tolerance = 1.0
"""
"""The shipped job `sms_spam` made small: what counts here is that a text is taken, not what comes of it."""


@pytest.fixture(scope="module")
def examples_gateway(
    start_gateway_session: StartGateway, trained_models: Path, tmp_path_factory: pytest.TempPathFactory
) -> GatewayProcess:
    """What `make up` serves, a model of texts, and the label `stable` on diabetes 1, as the pages suppose."""
    folder = tmp_path_factory.mktemp("examples")
    models = Path(shutil.copytree(trained_models, folder / "models"))
    (folder / "sms_spam.toml").write_text(TEXT_JOB)
    penstock("train", str(folder / "sms_spam.toml"), "--models", str(models))
    gateway = start_gateway_session("--models", str(models))
    penstock("models", "promote", "diabetes", "1", "--models", str(models), "--gateway", gateway.url)
    return gateway


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """A copy of the pages' input files, to which commands may add theirs."""
    return Path(shutil.copytree(EXAMPLES / "inputs", tmp_path / "inputs"))


@pytest.mark.parametrize("example", CURL_EXAMPLES, ids=lambda example: example.command[-50:])
def test_a_curl_command_prints_what_its_page_shows(
    example: ConsoleExample, examples_gateway: GatewayProcess, inputs: Path, program: Callable[[str], str]
) -> None:
    program("curl")
    environment = {**os.environ, "GATEWAY": examples_gateway.url}
    ran = subprocess.run(
        ["bash", "-c", example.command],
        capture_output=True, text=True, check=False, cwd=inputs, env=environment, timeout=60,
    )  # fmt: skip
    assert prints_what_is_shown(ran.stdout, example.output), ran.stdout + ran.stderr


def test_the_curl_page_has_its_commands_found() -> None:
    page = (EXAMPLES / "curl.md").read_text(encoding="utf-8")
    assert len(CURL_EXAMPLES) == page.count("\n$ ") > 30
