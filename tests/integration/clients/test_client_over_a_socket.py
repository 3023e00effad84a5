"""The client, sync and async, over a real loopback socket."""

import contextlib
import math
import socket
import threading
from pathlib import Path

import numpy as np
import pytest
from penstock_client import (
    ConnectionFailed,
    DeadlineExceeded,
    Hedging,
    Overloaded,
    Prediction,
    Predictions,
    UndecodableImage,
    UnexpectedAnswer,
    UnknownModel,
    UnreadableFile,
    VersionStatus,
    new_traceparent,
)
from penstock_client.in_process import FakeClock

from tests.integration.clients.kinds import Connect
from tests.integration.clients.stand_in import DIABETES, PNG_OF_A_SEVEN, Answer, StandIn

ONES = np.ones((8, 8))


def test_images_go_as_files_bytes_and_arrays(connect: Connect, stand_in: StandIn, tmp_path: Path) -> None:
    seven = tmp_path / "seven.png"
    seven.write_bytes(PNG_OF_A_SEVEN)
    with connect(stand_in.url) as client:
        one = client.predict("digits", seven)
        answers = client.predict("digits", [str(seven), PNG_OF_A_SEVEN, ONES])
    assert isinstance(one, Prediction)
    assert isinstance(answers, Predictions)
    assert [answer.label for answer in (one, *answers)] == ["7", "7", "7", "1"]


def test_records_answer_values(connect: Connect, stand_in: StandIn) -> None:
    record = dict.fromkeys(DIABETES, 1.5)
    with connect(stand_in.url) as client:
        prediction = client.predict("diabetes", record)
    assert isinstance(prediction, Prediction)
    assert (prediction.value, prediction.unit, prediction.target) == (103.0, "", "progression")
    assert (prediction.version, prediction.request_id) == (1, "r-42")


def test_a_version_change_between_calls_changes_the_labels(connect: Connect, stand_in: StandIn) -> None:
    with connect(stand_in.url) as client:
        before = client.predict("digits", [ONES])
        stand_in.live = 2
        after = client.predict("digits", [ONES])
    assert isinstance(before, Predictions)
    assert isinstance(after, Predictions)
    assert (before[0].label, after[0].label) == ("1", "one")


def test_the_gateway_is_told_how_long_we_wait(connect: Connect, stand_in: StandIn) -> None:
    with connect(stand_in.url, timeout_seconds=3, clock=FakeClock()) as client:
        client.predict("digits", ONES)
    _, path, headers = stand_in.asked[-1]
    assert path == "/v1/models/digits:predict"
    assert headers["x-request-timeout-ms"] == "3000"


def test_a_path_in_the_url_stays_before_that_of_every_call(connect: Connect, stand_in: StandIn) -> None:
    stand_in.override = Answer(200, b'{"models": []}')
    with connect(f"{stand_in.url}/penstock/") as client:
        assert client.models() == []
    assert stand_in.asked[-1][1] == "/penstock/v1/models"


def test_models_metadata_and_status(connect: Connect, stand_in: StandIn) -> None:
    with connect(stand_in.url) as client:
        assert client.models() == ["diabetes", "digits"]
        assert client.metadata("digits", version=2).labels[7] == "seven"
        assert client.metadata("diabetes").target == "progression"
        assert client.status("digits") == (VersionStatus(1, "AVAILABLE"),)


def test_errors_of_the_gateway_are_raised(connect: Connect, stand_in: StandIn) -> None:
    with connect(stand_in.url) as client:
        with pytest.raises(UndecodableImage) as refused:
            client.predict("digits", [PNG_OF_A_SEVEN, b"not an image"])
        with pytest.raises(UnknownModel):
            client.predict("cats", ONES)
    assert (refused.value.field, refused.value.request_id) == ("/instances/1", "r-42")


def test_overload_says_when_to_come_back(connect: Connect, stand_in: StandIn) -> None:
    body = b'{"error": "no room", "code": "Overloaded"}'
    stand_in.override = Answer(503, body, {"Retry-After": "0.5", "X-Request-Id": "r-7"})
    with connect(stand_in.url, retries=None) as client, pytest.raises(Overloaded) as refused:
        client.predict("digits", ONES)
    assert (refused.value.retry_after_seconds, refused.value.request_id) == (0.5, "r-7")


def test_another_server_is_noticed(connect: Connect, stand_in: StandIn) -> None:
    stand_in.override = Answer(200, b"<html>Welcome!</html>")
    with connect(stand_in.url) as client, pytest.raises(UnexpectedAnswer, match="is the URL right"):
        client.models()


def test_a_missing_file_is_told_by_its_name(connect: Connect, stand_in: StandIn) -> None:
    with connect(stand_in.url) as client, pytest.raises(UnreadableFile, match=r"'missing\.png': No such file"):
        client.predict("digits", "missing.png")


def test_a_gateway_that_is_not_running_is_told_with_its_url(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with (
        connect(url, clock=FakeClock()) as client,
        pytest.raises(ConnectionFailed, match="is the gateway running") as failed,
    ):
        client.models()
    assert url in str(failed.value)


def test_a_gateway_that_never_answers_ends_at_the_deadline(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with (
            connect(url, timeout_seconds=0.05) as client,
            pytest.raises(DeadlineExceeded, match=r"no answer within 0\.0"),
        ):
            client.models()


def test_an_answer_in_drops_ends_at_the_deadline(connect: Connect) -> None:
    """The server would be through after four times as long."""
    hung_up = threading.Event()
    body = b'{"models": []}      '

    def drip(silent: socket.socket) -> None:
        connection, _ = silent.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
            for place in range(len(body)):
                connection.sendall(body[place : place + 1])
                if hung_up.wait(0.2):
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        dripping = threading.Thread(target=drip, args=(server,))
        dripping.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with connect(url, timeout_seconds=1, retries=None) as client:
            try:
                with pytest.raises(DeadlineExceeded):
                    client.models()
            finally:
                hung_up.set()
                dripping.join()


def test_a_body_that_cannot_be_unpacked_is_a_broken_connection(connect: Connect, stand_in: StandIn) -> None:
    stand_in.override = Answer(200, b"not gzip", {"Content-Encoding": "gzip"})
    with connect(stand_in.url, retries=None) as client, pytest.raises(ConnectionFailed, match="broke"):
        client.models()


def test_a_password_in_the_url_is_sent_and_not_shown(
    connect: Connect, stand_in: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with connect(stand_in.url.replace("http://", "http://me:open%40sesame@")) as client:
        client.models()
    assert stand_in.asked[-1][2]["authorization"] == "Basic bWU6b3BlbkBzZXNhbWU="
    with (
        connect("http://me:open%40sesame@127.0.0.1:1", retries=None) as client,
        pytest.raises(ConnectionFailed, match=r"http://127\.0\.0\.1:1 ") as failed,
    ):
        client.models()
    assert "sesame" not in f"{failed.value} {caplog.text}"


@pytest.mark.parametrize("url", ["http://", "http://127.0.0.1:port"])
def test_a_url_that_names_no_host_is_wrong_use(connect: Connect, url: str) -> None:
    with pytest.raises(ValueError, match="as in http://"):
        connect(url)


def test_a_loopback_gateway_is_not_asked_through_a_proxy(
    connect: Connect, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with connect(stand_in.url) as client:
        assert client.models() == ["diabetes", "digits"]


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "localhost", ""])
def test_a_url_without_a_scheme_is_wrong_use(connect: Connect, url: str) -> None:
    with pytest.raises(ValueError, match="must begin with http"):
        connect(url)


@pytest.mark.parametrize("timeout_seconds", [0, -1, math.inf, math.nan])
def test_a_wait_of_nothing_or_forever_is_wrong_use(connect: Connect, timeout_seconds: float) -> None:
    with pytest.raises(ValueError, match="above 0 and finite"):
        connect("http://127.0.0.1:8080", timeout_seconds=timeout_seconds)


def test_overload_is_waited_out(connect: Connect, stand_in: StandIn) -> None:
    body = b'{"error": "no room", "code": "Overloaded"}'
    stand_in.override = Answer(503, body, {"Retry-After": "7"})
    clock = Relieving(stand_in)
    with connect(stand_in.url, clock=clock) as client:
        assert client.models() == ["diabetes", "digits"]
    assert clock.now() >= 7
    assert len(stand_in.asked) == 2


class Relieving(FakeClock):
    """Who waits finds the stand-in well again."""

    def __init__(self, stand_in: StandIn) -> None:
        super().__init__()
        self._stand_in = stand_in

    def sleep(self, seconds: float) -> None:
        self._stand_in.override = None
        super().sleep(seconds)

    async def asleep(self, seconds: float) -> None:
        self.sleep(seconds)


def test_what_a_call_is_told_goes_with_it(connect: Connect, stand_in: StandIn) -> None:
    trace = new_traceparent()
    with connect(stand_in.url, token=lambda: "of-today", clock=FakeClock()) as client:
        client.models(priority="high", request_id="order-7", traceparent=trace, timeout_seconds=60)
    _, _, headers = stand_in.asked[-1]
    assert headers["authorization"] == "Bearer of-today"
    assert (headers["x-priority"], headers["x-request-id"]) == ("high", "order-7")
    assert headers["traceparent"][:36] == trace[:36]
    assert headers["x-request-timeout-ms"] == "60000"


def test_a_hedged_call_is_answered(connect: Connect, stand_in: StandIn) -> None:
    with connect(stand_in.url, hedging=Hedging(after_seconds=0)) as client:
        prediction = client.predict("digits", ONES)
    assert isinstance(prediction, Prediction)
    assert prediction.label == "1"
