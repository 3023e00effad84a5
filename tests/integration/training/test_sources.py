"""Data from elsewhere: fetched once and cached, brought by hand, or told how to be brought."""

import gzip
import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[3]
DATA = ROOT / "tests" / "data"
PROBE = Path(__file__).with_name("sources_probe.py")


@pytest.fixture(scope="module")
def requested() -> list[str]:
    return []


@pytest.fixture(scope="module")
def site(requested: list[str]) -> Iterator[str]:
    """A web site on loopback with the files of tests/data, and nothing else."""

    class Files(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(DATA))

        def do_GET(self) -> None:
            requested.append(self.path)
            super().do_GET()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def write_idx(folder: Path) -> None:
    """Three training pictures and two for the test, in MNIST's own format."""
    folder.mkdir()
    for prefix, rows in (("train", 3), ("t10k", 2)):
        pixels = np.full((rows, 28, 28), 7, np.uint8).tobytes()
        (folder / f"{prefix}-images-idx3-ubyte.gz").write_bytes(gzip.compress(bytes(16) + pixels))
        (folder / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(bytes(8) + bytes(range(rows))))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, site: str) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("sources")
    write_idx(folder / "fashion")
    np.savez(folder / "houses.npz", x=np.ones((4, 8)), y=np.arange(4.0))
    (folder / "empty").mkdir()
    houses = f'data={{source="keras", name="california_housing", path="{folder}/houses.npz"}}'
    asked = [
        ["auto_mpg", f"data.url={site}/auto_mpg.csv"],
        ["auto_mpg", f"data.url={site}/auto_mpg.csv"],
        ["auto_mpg", f"data.url={site}/absent.csv"],
        ["fashion_mnist", f"data.path={folder}/fashion"],
        ["california_housing", houses],
        ["mnist", f"data.path={folder}/absent.npz"],
        ["imdb", f"data.path={folder}/empty"],
        ["mnist"],
    ]
    (folder / "asked.json").write_text(json.dumps(asked))
    no_network = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    environment = {
        **os.environ,
        **no_network,  # nobody listens there: what is not on loopback cannot be reached
        "no_proxy": "127.0.0.1",
        "KERAS_HOME": str(folder / "keras"),
        "PYTHONPATH": str(ROOT),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    ran = subprocess.run(
        [sys.executable, PROBE, folder / "asked.json"], check=True, capture_output=True, text=True, env=environment
    )
    answers: list[dict[str, Any]] = json.loads(ran.stdout.splitlines()[-1])
    return answers


def test_table_is_fetched_once_and_cached(found: list[dict[str, Any]], requested: list[str]) -> None:
    assert found[0]["shapes"]["weight"] == [150]
    assert found[1] == found[0]
    assert requested.count("/auto_mpg.csv") == 1


def test_file_that_cannot_be_fetched_is_told_with_the_remedy(found: list[dict[str, Any]]) -> None:
    assert found[2]["error"].startswith("InvalidJob: data: http://127.0.0.1")
    assert "404" in found[2]["error"]
    assert "data.path = the file" in found[2]["error"]


def test_fashion_mnist_is_read_from_its_own_files(found: list[dict[str, Any]]) -> None:
    assert found[3]["shapes"] == {"image": [5, 28, 28]}
    assert found[3]["target"] == ["T-shirt/top", "Trouser", "Pullover", "T-shirt/top", "Trouser"]
    assert found[3]["held_out"] == [False, False, False, True, True]


def test_california_housing_has_keras_columns(found: list[dict[str, Any]]) -> None:
    assert found[4]["shapes"]["median_income"] == [4]
    assert found[4]["target"] == [0, 1, 2, 3]


def test_path_that_is_not_there_or_empty_is_named(found: list[dict[str, Any]]) -> None:
    assert "absent.npz is not there" in found[5]["error"]
    assert "has no files in folders named after their class" in found[6]["error"]


def test_without_a_network_the_error_says_how_to_go_on(found: list[dict[str, Any]]) -> None:
    assert found[7]["error"].startswith("InvalidJob: data: keras.datasets.mnist is not in Keras's cache")
    assert "data.path = an .npz with x_train, y_train, x_test and y_test" in found[7]["error"]
