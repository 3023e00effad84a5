"""The programs and pages under clients/examples, run as they stand against a gateway with what `make up` trains."""

import base64
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from PIL import Image

from tests.console_pages import ConsoleExample, console_examples, prints_what_is_shown
from tests.processes import GatewayProcess, StartGateway, penstock, trained

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "clients" / "examples"
CURL_EXAMPLES = console_examples((EXAMPLES / "curl.md").read_text(encoding="utf-8"))

TEXT_JOB = f"""
model = "sms_spam"
description = "whether a text message is spam"
[data]
source = "table"
path = "{ROOT / "tests" / "data" / "sms_spam.tsv"}"
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
    trained(str(folder / "sms_spam.toml"), "--models", str(models))
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


def test_a_page_that_shows_something_else_is_found_out() -> None:
    shown = '{"predictions":[[2.1e-10,…]],"version":1}\n'
    assert prints_what_is_shown('{"predictions":[[0.73,0.27]],"version":1}', shown)
    assert not prints_what_is_shown('{"predictions":[[0.73,0.27]],"version":2}', shown)
    assert not prints_what_is_shown('{"predictions":[["a",0.27]],"version":1}', shown)


@contextlib.contextmanager
def started(folder: str, gateway: GatewayProcess, *arguments: str) -> Iterator[str]:
    """The address of an app under clients/examples, started as the map says but for its port."""
    environment = {**os.environ, "GATEWAY": gateway.url, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments, "--port", "0"],
        cwd=EXAMPLES / folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr
    try:
        yield next(found[0] for line in process.stderr if (found := re.search(r"http://127[.:\d]+", line)))
    finally:
        process.terminate()
        process.wait(60)
        process.stderr.close()


@pytest.fixture(scope="module")
def flask_app(examples_gateway: GatewayProcess) -> Iterator[str]:
    with started("flask_app", examples_gateway, "flask", "--app", "app", "run") as address:
        yield address


@pytest.fixture
def browser() -> Iterator[httpx2.Client]:
    with httpx2.Client(trust_env=False, timeout=30) as client:
        yield client


@pytest.mark.parametrize("folder", ["flask_app", "fastapi_async"])
def test_an_app_passes_its_own_tests_wherever_it_is_copied_to(folder: str, tmp_path: Path) -> None:
    copy = shutil.copytree(EXAMPLES / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"],
        capture_output=True, text=True, check=False, cwd=copy, timeout=120,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_flask_app_predicts_from_its_own_form(flask_app: str, browser: httpx2.Client) -> None:
    page = browser.get(flask_app)
    fields = dict(re.findall(r'<input name="(\w+)" value="([^"]*)"', page.text))
    assert len(fields) == 10
    answer = browser.post(f"{flask_app}/progression", data=fields)
    assert answer.status_code == 200
    assert re.search(r'class="big">\d+ *</div>\s*<p>progression</p>', answer.text)


def test_the_flask_app_names_the_field_that_is_wrong(flask_app: str, browser: httpx2.Client) -> None:
    answer = browser.post(f"{flask_app}/progression", data={"age": "590"})
    assert answer.status_code == 400
    wrong = re.search(r'<input name="(\w+)" value="590"\s*[^>]*aria-invalid="true"', answer.text)
    assert wrong
    assert wrong[1] == "age"
    assert "outside the range 0 to 120 years" in answer.text


def test_the_flask_app_reads_a_digit(flask_app: str, browser: httpx2.Client) -> None:
    picture = (EXAMPLES / "inputs" / "seven.png").read_bytes()
    answer = browser.post(f"{flask_app}/digit", files={"picture": picture})
    assert answer.status_code == 200
    assert '<div class="big">7</div>' in answer.text
    refused = browser.post(f"{flask_app}/digit", files={"picture": b"no picture"})
    assert refused.status_code == 400
    assert "not a whole PNG, JPEG or WebP" in refused.text


def test_the_fastapi_app_asks_both_models(examples_gateway: GatewayProcess, browser: httpx2.Client) -> None:
    patient = json.loads((EXAMPLES / "inputs" / "patient.json").read_bytes())["instances"][0]
    picture = base64.b64encode((EXAMPLES / "inputs" / "seven.png").read_bytes()).decode()
    with started("fastapi_async", examples_gateway, "uvicorn", "--factory", "fan_out:create_app") as app:
        good = browser.post(f"{app}/findings", json={"patient": patient, "picture": picture})
        wrong = browser.post(f"{app}/findings", json={"patient": {**patient, "age": 590}, "picture": picture})
    assert good.status_code == 200
    assert good.json()["digit"] == "7"
    assert good.json()["versions"] == {"diabetes": 1, "digits": 1}
    assert (wrong.status_code, wrong.json()["code"]) == (400, "OutOfRange")
    assert wrong.json()["field"] == "/instances/0/age"


def test_the_notebook_plots_without_tensorflow(examples_gateway: GatewayProcess, tmp_path: Path) -> None:
    without = (
        "import runpy, sys; sys.modules.update(dict.fromkeys(('tensorflow', 'keras'))); runpy.run_path(sys.argv[1])"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", without, str(EXAMPLES / "notebook.py")],
        capture_output=True, text=True, check=False, timeout=300,
        env={**os.environ, "GATEWAY": examples_gateway.url, "PLOTS": str(tmp_path), "MPLBACKEND": "Agg"},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    names = {"confusion.png", "reliability.png", "residuals.png", "latency.png"}
    assert {path.name for path in tmp_path.iterdir()} == names
    for name in names:
        with Image.open(tmp_path / name) as picture:
            assert (
                len(picture.convert("RGB").getcolors(picture.width * picture.height) or ()) > 100
            )  # more than a frame
