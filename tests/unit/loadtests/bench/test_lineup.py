import json
import sys
from pathlib import Path

import pytest

from loadtests.bench import lineup
from loadtests.bench.dense_model import DenseModel
from loadtests.bench.lineup import OWN_SERVERS, only_rows
from loadtests.bench.peers import (
    INSTALLED,
    REFUSED,
    TENSORFLOW_SERVING,
    missing_reason,
    mlserver_settings,
    peer_servers,
)


def model(folder: Path) -> DenseModel:
    return DenseModel(folder / "models", ())


def test_every_row_has_a_name_and_a_title_of_its_own() -> None:
    rows = [row for server in (*OWN_SERVERS, *peer_servers()) for row in server.rows]
    assert len({row.name for row in rows}) == len({row.title for row in rows}) == len(rows)


def test_only_the_rows_that_are_named_are_left_with_their_servers() -> None:
    left = only_rows(OWN_SERVERS, ["npy", "bare"])
    assert [(server.name, [row.name for row in server.rows]) for server in left] == [
        ("bare", ["bare"]),
        ("gateway", ["npy"]),
    ]


@pytest.mark.parametrize("server", OWN_SERVERS, ids=lambda server: server.name)
def test_every_server_of_ours_is_started_by_this_python(server: lineup.Server, tmp_path: Path) -> None:
    command = server.command(model(tmp_path), 1234, 5678)
    assert command[0] == sys.executable
    assert {"1234", "5678"} & set(command)


def test_a_peer_without_an_environment_says_how_to_get_it(tmp_path: Path) -> None:
    assert missing_reason(tmp_path / "absent") == "not installed; make bench-peers installs it"


def test_a_peer_that_could_not_be_installed_says_why(tmp_path: Path) -> None:
    (tmp_path / REFUSED).write_text("ERROR: no matching distribution\n")
    assert missing_reason(tmp_path) == "cannot be installed here: ERROR: no matching distribution"


def test_a_peer_that_is_installed_is_started_by_its_own_python_on_loopback(tmp_path: Path) -> None:
    environments = tmp_path / "peers"
    for name in ("litserve", "bentoml", "mlserver", "pytriton"):
        (environments / name).mkdir(parents=True)
        (environments / name / INSTALLED).touch()
    for server in peer_servers(environments, str(tmp_path))[:4]:
        command = server.command(model(tmp_path), 1234, 5678)
        assert server.missing == ""
        assert command[0] == str(environments / server.name / "bin" / "python")
        assert server.environment(model(tmp_path)) is not None
    settings = json.loads((tmp_path / "mlserver" / "settings.json").read_text())
    assert (settings["host"], settings["http_port"], settings["grpc_port"]) == ("127.0.0.1", 1234, 5678)


def test_tensorflow_serving_is_measured_where_its_program_is(tmp_path: Path) -> None:
    plain, batching = peer_servers(tmp_path, str(tmp_path))[4:]
    assert plain.missing == batching.missing == f"{TENSORFLOW_SERVING} is not on the PATH"
    program = tmp_path / TENSORFLOW_SERVING
    program.touch(mode=0o755)
    plain, batching = peer_servers(tmp_path, str(tmp_path))[4:]
    assert plain.missing == batching.missing == ""
    command = plain.command(model(tmp_path), 1234, 5678)
    assert command[:3] == [str(program), "--port=5678", "--rest_api_port=1234"]
    assert not [option for option in command if "batching" in option]
    config = next(part for part in batching.command(model(tmp_path), 1, 2) if part.startswith("--batching_parameters"))
    assert "max_batch_size { value: 64 }" in Path(config.partition("=")[2]).read_text()


def test_mlserver_batches_as_much_as_the_gateway(tmp_path: Path) -> None:
    settings = mlserver_settings(tmp_path, 1, 2)["model-settings.json"]
    assert settings["max_batch_size"] == lineup.MANY_ROWS
