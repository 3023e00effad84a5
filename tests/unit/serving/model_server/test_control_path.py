import socket
import stat
from pathlib import Path

import pytest

from serving.errors import BackendUnavailable
from serving.model_server.control_path import control_listener, control_paths, worker_path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "penstock.sock"


def left_behind(path: Path) -> None:
    """As a killed process leaves it."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))


def test_only_the_owner_may_open_it_and_it_goes_with_its_gateway(path: Path) -> None:
    with control_listener(path):
        assert stat.filemode(path.stat().st_mode) == "srw-------"
    assert not path.exists()


def test_a_socket_that_nobody_listens_at_is_replaced(path: Path) -> None:
    left_behind(path)
    with control_listener(path) as listener:
        listener.listen()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))


def test_a_socket_that_another_gateway_listens_at_is_refused_and_stays(path: Path) -> None:
    with control_listener(path) as first:
        first.listen()
        with pytest.raises(BackendUnavailable, match=f"another gateway answers at {path}"), control_listener(path):
            pass
        assert path.is_socket()


def test_another_file_in_the_way_is_left_alone(path: Path) -> None:
    path.write_text("mine")
    with pytest.raises(BackendUnavailable, match="is no socket"), control_listener(path):
        pass
    assert path.read_text() == "mine"


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BackendUnavailable, match="No such file"), control_listener(tmp_path / "no" / "penstock.sock"):
        pass


def test_a_path_that_no_socket_can_have_is_told(tmp_path: Path) -> None:
    with pytest.raises(BackendUnavailable, match="longer than the 107 bytes"), control_listener(tmp_path / ("p" * 107)):
        pass


def test_the_file_of_a_gateway_that_came_later_stays(path: Path) -> None:
    with control_listener(path):
        path.unlink()
        left_behind(path)
    assert path.is_socket()


def test_found_are_the_gateways_own_socket_or_those_of_its_workers(path: Path) -> None:
    assert control_paths(path) == ()
    for worker in (0, 1):
        left_behind(worker_path(path, worker))
    path.with_name("penstock.sock.old").write_text("")
    path.with_name("penstock.sock.2").write_text("no socket")
    assert control_paths(path) == (path.with_name("penstock.sock.0"), path.with_name("penstock.sock.1"))
    left_behind(path)
    assert control_paths(path)[0] == path
