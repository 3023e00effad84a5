"""The TypeScript client against a real gateway, over real sockets: from Node, and from a page in a real browser."""

import contextlib
import functools
import http.server
import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.integration.clients.typescript_parts import BUNDLE, FOLDER, MODULE, PLAYWRIGHT, RUN_SECONDS, SCRIPTS, Node
from tests.processes import ROOT, GatewayProcess, StartGateway
from tests.swaps import publish_again

EXAMPLES = ROOT / "clients" / "examples"
PICTURE = EXAMPLES / "inputs" / "three.png"
README = (FOLDER / "README.md").read_text(encoding="utf-8")
URL = "http://127.0.0.1:8080"
NUMBER = r"-?\d+(\.\d+)?(e[+-]?\d+)?"


@pytest.fixture(scope="module")
def page_server() -> Iterator[str]:
    """The folder `clients` on an origin of its own, as the browser example's README serves it."""
    handler = functools.partial(QuietFiles, directory=str(ROOT / "clients"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


class QuietFiles(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # http.server's own name for it
        """Nothing: pytest shows what matters."""


@pytest.fixture(scope="module")
def open_gateway(start_gateway_session: StartGateway, trained_models: Path, page_server: str) -> GatewayProcess:
    """A gateway that pages of `page_server` may ask."""
    return start_gateway_session("--models", str(trained_models), PENSTOCK_CORS_ORIGINS=page_server)


@pytest.fixture(scope="module")
def found(open_gateway: GatewayProcess, typescript: Node) -> Any:
    """What ask.mjs was answered, by all the forms it asks in."""
    return typescript.script("ask.mjs", MODULE.as_uri(), open_gateway.url, str(PICTURE))


def test_a_picture_is_the_same_in_every_form(found: Any) -> None:
    assert {picture["label"] for picture in found["pictures"].values()} == {"3"}
    assert len({form["label"] for form in found["forms"].values()}) == 1
    for group in ("pictures", "forms"):
        answers = [list(form["probabilities"].values()) for form in found[group].values()]
        np.testing.assert_allclose(answers, [answers[0]] * len(answers), rtol=1e-4, atol=1e-6)
    assert sum(found["pictures"]["bytes"]["probabilities"].values()) == pytest.approx(1, abs=1e-5)


def test_a_patient_is_the_same_in_every_form(found: Any) -> None:
    values = [form["value"] for form in found["patients"].values()]
    np.testing.assert_allclose(values, values[0], rtol=1e-4)
    assert {form["target"] for form in found["patients"].values()} == {"progression"}


def test_answers_are_what_the_gateway_tells_everybody(found: Any, open_gateway: GatewayProcess) -> None:
    manifest = open_gateway.get("/v1/models/diabetes/metadata")["metadata"]["manifest"]
    body = json.dumps({"instances": [manifest["golden_examples"][0]["instance"]]}).encode()
    [[value]] = open_gateway.post("/v1/models/diabetes:predict", body)[1]["predictions"]
    assert found["patients"]["record"]["value"] == pytest.approx(value, rel=1e-4)


def test_the_request_id_version_and_timing_come_back(found: Any) -> None:
    told = found["told"]
    assert (told["requestId"], told["version"]) == ("mine", 1)
    assert told["timing"]["batchRows"] >= 1
    assert 0 < told["timing"]["backendSeconds"] < RUN_SECONDS


@pytest.mark.parametrize(
    ("failure", "name", "field"),
    [
        ("dtype", "WrongDtype", "/instances/0/age"),
        ("missing", "MissingField", "/instances/0/sex"),
        ("unknown", "UnknownField", "/instances/1/shoe"),
        ("range", "OutOfRange", "/instances/0/age"),
        ("image", "UndecodableImage", "/instances/0"),
        ("model", "UnknownModel", None),
        ("version", "UnknownVersion", None),
        ("label", "UnknownVersion", None),
        ("late", "DeadlineExceeded", None),
        ("chunk", "WrongDtype", "/instances/3/bmi"),
        ("address", "ConnectionFailed", None),
    ],
)
def test_errors_are_typed_and_say_where(found: Any, failure: str, name: str, field: str | None) -> None:
    error = found["failures"][failure]
    assert error["name"] == name, error
    assert error.get("field") == field
    assert bool(error.get("requestId")) == (failure not in ("late", "address"))


def test_models_status_and_metadata(found: Any) -> None:
    assert found["models"] == ["diabetes", "digits"]
    assert [(version["version"], version["state"]) for version in found["status"]] == [(1, "AVAILABLE")]
    assert found["digits"]["features"][0]["shape"] == [8, 8]
    assert found["digits"]["labels"] == list("0123456789")


def test_aborted_calls_end_and_leave_the_gateway_well(open_gateway: GatewayProcess, typescript: Node) -> None:
    ended = typescript.script("abort.mjs", MODULE.as_uri(), open_gateway.url)
    assert (ended["underWay"], ended["whileWaiting"]) == ("AbortError", "RangeError")
    assert ended["after"] > 0


@contextlib.contextmanager
def asking(node: Node, url: str, callers: int, **settings: float) -> Iterator[Callable[[], Any]]:
    """A process that asks without pause; call what it yields to end it and have its counts."""
    script = [node.node, str(SCRIPTS / "keep_asking.mjs"), MODULE.as_uri(), url, str(callers), json.dumps(settings)]
    with subprocess.Popen(script, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            assert process.stdout.readline() == "asking\n"
            yield lambda: json.loads(process.communicate(timeout=RUN_SECONDS)[0].splitlines()[-1])
        finally:
            process.kill()


def test_a_version_change_fails_nobody(start_gateway: StartGateway, own_models: Path, typescript: Node) -> None:
    gateway = start_gateway("--models", str(own_models))
    with asking(typescript, gateway.url, 4, retries=0) as end:
        publish_again(own_models, "digits")
        body = json.dumps({"instances": np.zeros((1, 8, 8)).tolist()}).encode()
        for _ in range(100_000):
            if gateway.post("/v1/models/digits:predict", body)[2]["x-model-version"] == "2":
                break
        counted = end()
    assert counted["failures"] == []
    assert set(counted["versions"]) == {"1", "2"}


def test_a_gateway_that_is_killed_and_comes_back_costs_retries_only(
    start_gateway: StartGateway, trained_models: Path, typescript: Node
) -> None:
    """Without TensorFlow, whose start on a busy machine could outlast the client's budget of retries."""
    served = ("--backend", "in_memory", "--models", str(trained_models))
    first = start_gateway(*served)
    with asking(typescript, first.url, 1, retries=100, timeoutSeconds=60) as end:
        first.process.kill()
        first.process.wait()
        start_gateway(*served, "--port", first.url.rsplit(":", 1)[1])
        counted = end()
    assert counted["failures"] == []
    assert counted["broken"] > 0
    assert counted["versions"]["1"] > 1


def test_an_overload_is_waited_out(start_gateway: StartGateway, trained_models: Path, typescript: Node) -> None:
    gateway = start_gateway("--models", str(trained_models), PENSTOCK_MAX_QUEUE_ROWS="32", PENSTOCK_MAX_BATCH_ROWS="1")
    came = typescript.script("overload.mjs", MODULE.as_uri(), gateway.url)
    assert came["rows"] == 256
    assert len(came["labels"]) == 1
    assert came["statuses"]["503"] > 0, came


def test_a_page_asks_in_a_real_browser(
    open_gateway: GatewayProcess, page_server: str, tmp_path: Path, typescript: Node, program: Callable[[str], str]
) -> None:
    page = f"{page_server}/examples/browser/?gateway={open_gateway.url}"
    png = tmp_path / "page.png"
    seen = typescript.script("page.mjs", PLAYWRIGHT.as_uri(), program("chromium"), page, str(PICTURE), str(png))
    assert seen["faults"] == []
    assert re.match(r"progression: \d+\.\d\d", seen["regression"]["said"])
    assert re.search(r"version 1, request \S+, waited [\d.]+ ms, computed [\d.]+ ms", seen["regression"]["facts"])
    assert seen["wrong"] == {"said": "WrongDtype: a string where a number is expected", "field": "field-age"}
    assert seen["classification"]["said"] == "3"
    assert seen["classification"]["bars"] == 5
    assert seen["unreachable"].startswith("ConnectionFailed")
    with Image.open(png) as picture:
        assert picture.width == 900
    elsewhere = [
        url for url in seen["requested"] if not url.startswith((page_server, open_gateway.url, "data:", "blob:"))
    ]
    assert [url for url in elsewhere if not url.startswith("http://127.0.0.1:9/")] == []


def test_the_pages_readme_is_how_the_test_serves_it() -> None:
    text = (EXAMPLES / "browser" / "README.md").read_text()
    assert re.search(r"python3 -m http.server 8000 .*--directory clients$", text, re.MULTILINE)
    assert "PENSTOCK_CORS_ORIGINS=http://127.0.0.1:8000 make up" in text
    assert "http://127.0.0.1:8000/examples/browser/" in text
    assert str(BUNDLE.relative_to(ROOT / "clients")) in (EXAMPLES / "browser" / "index.html").read_text()


def test_the_readmes_examples_run(open_gateway: GatewayProcess, tmp_path: Path, typescript: Node) -> None:
    """As they stand, but for the gateway's address; told numbers may differ past the point, for models do."""
    blocks = "\n".join(re.findall(r"^```js\n(.*?)^```", README, re.MULTILINE | re.DOTALL))
    assert blocks.count('"@penstock/client"') >= 2
    script = tmp_path / "readme.mjs"
    script.write_text(blocks.replace('"@penstock/client"', json.dumps(MODULE.as_uri())).replace(URL, open_gateway.url))
    done = typescript.run(typescript.node, str(script), cwd=PICTURE.parent)
    assert done.returncode == 0, done.stderr
    promised = re.findall(r"console\.log\(.* // (.+)$", blocks, re.MULTILINE)
    assert len(promised) == blocks.count("console.log") > 10
    told = done.stdout.splitlines()
    assert [alike(*pair) for pair in zip(promised, told, strict=True)] == told


@pytest.mark.parametrize("example", list(re.finditer(
    r"^\$ node predict\.mjs (?P<arguments>.*)\n(?P<output>.*)\n",
    (EXAMPLES / "node" / "README.md").read_text(), re.MULTILINE,
)), ids=lambda example: example["arguments"][:20])  # fmt: skip
def test_the_node_example_runs(example: re.Match[str], open_gateway: GatewayProcess, typescript: Node) -> None:
    command = [typescript.node, "predict.mjs", *example["arguments"].split()]
    done = typescript.run(*command, cwd=EXAMPLES / "node", environment={"GATEWAY": open_gateway.url})
    told = (done.stdout + done.stderr).rstrip("\n")
    assert alike(example["output"], told) == told
    assert done.returncode == (1 if done.stderr else 0)


def test_wrong_use_of_the_node_example_is_told(typescript: Node) -> None:
    done = typescript.run(typescript.node, str(EXAMPLES / "node" / "predict.mjs"))
    assert (done.returncode, done.stderr.split()[0]) == (2, "usage:")


def alike(promised: str, told: str) -> str:
    """What was told where it says what was promised but for the numbers with a point, else what was promised."""
    pattern = re.sub(r"\d+\\\.\d+", lambda _: NUMBER, re.escape(promised))
    return told if re.fullmatch(pattern, told) else promised
