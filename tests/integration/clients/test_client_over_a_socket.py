"""The sync client over a real loopback socket."""

import math
import socket
from pathlib import Path

import numpy as np
import pytest
from penstock_client import (
    Client,
    ConnectionFailed,
    DeadlineExceeded,
    Overloaded,
    Predictions,
    UndecodableImage,
    UnexpectedAnswer,
    UnknownModel,
    UnreadableFile,
    VersionStatus,
)

from tests.integration.clients.stand_in import DIABETES, PNG_OF_A_SEVEN, Answer, StandIn

ONES = np.ones((8, 8))


def test_images_go_as_files_bytes_and_arrays(stand_in: StandIn, tmp_path: Path) -> None:
    seven = tmp_path / "seven.png"
    seven.write_bytes(PNG_OF_A_SEVEN)
    with Client(stand_in.url) as client:
        assert client.predict("digits", seven).label == "7"
        answers = client.predict("digits", [str(seven), PNG_OF_A_SEVEN, ONES])
    assert isinstance(answers, Predictions)
    assert [answer.label for answer in answers] == ["7", "7", "1"]


def test_records_answer_values(stand_in: StandIn) -> None:
    record = dict.fromkeys(DIABETES, 1.5)
    with Client(stand_in.url) as client:
        prediction = client.predict("diabetes", record)
    assert (prediction.value, prediction.unit, prediction.target) == (103.0, "", "progression")
    assert (prediction.version, prediction.request_id) == (1, "r-42")


def test_a_version_change_between_calls_changes_the_labels(stand_in: StandIn) -> None:
    with Client(stand_in.url) as client:
        before = client.predict("digits", [ONES])
        stand_in.live = 2
        after = client.predict("digits", [ONES])
    assert isinstance(before, Predictions)
    assert isinstance(after, Predictions)
    assert (before[0].label, after[0].label) == ("1", "one")


def test_the_gateway_is_told_how_long_we_wait(stand_in: StandIn) -> None:
    with Client(stand_in.url, timeout_seconds=3) as client:
        client.predict("digits", ONES)
    _, path, headers = stand_in.asked[-1]
    assert path == "/v1/models/digits:predict"
    assert headers["x-request-timeout-ms"] == "3000"


def test_a_path_in_the_url_stays_before_that_of_every_call(stand_in: StandIn) -> None:
    stand_in.override = Answer(200, b'{"models": []}')
    with Client(f"{stand_in.url}/penstock/") as client:
        assert client.models() == []
    assert stand_in.asked[-1][1] == "/penstock/v1/models"


def test_models_metadata_and_status(stand_in: StandIn) -> None:
    with Client(stand_in.url) as client:
        assert client.models() == ["diabetes", "digits"]
        assert client.metadata("digits", version=2).labels[7] == "seven"
        assert client.metadata("diabetes").target == "progression"
        assert client.status("digits") == (VersionStatus(1, "AVAILABLE"),)


def test_errors_of_the_gateway_are_raised(stand_in: StandIn) -> None:
    with Client(stand_in.url) as client:
        with pytest.raises(UndecodableImage) as refused:
            client.predict("digits", [PNG_OF_A_SEVEN, b"not an image"])
        with pytest.raises(UnknownModel):
            client.predict("cats", ONES)
    assert (refused.value.field, refused.value.request_id) == ("/instances/1", "r-42")


def test_overload_says_when_to_come_back(stand_in: StandIn) -> None:
    body = b'{"error": "no room", "code": "Overloaded"}'
    stand_in.override = Answer(503, body, {"Retry-After": "0.5", "X-Request-Id": "r-7"})
    with Client(stand_in.url) as client, pytest.raises(Overloaded) as refused:
        client.predict("digits", ONES)
    assert (refused.value.retry_after_seconds, refused.value.request_id) == (0.5, "r-7")


def test_another_server_is_noticed(stand_in: StandIn) -> None:
    stand_in.override = Answer(200, b"<html>Welcome!</html>")
    with Client(stand_in.url) as client, pytest.raises(UnexpectedAnswer, match="is the URL right"):
        client.models()


def test_a_missing_file_is_told_by_its_name(stand_in: StandIn) -> None:
    with Client(stand_in.url) as client, pytest.raises(UnreadableFile, match=r"'missing\.png': No such file"):
        client.predict("digits", "missing.png")


def test_a_gateway_that_is_not_running_is_told_with_its_url() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with Client(url) as client, pytest.raises(ConnectionFailed, match="is the gateway running") as failed:
        client.models()
    assert url in str(failed.value)


def test_a_gateway_that_never_answers_ends_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Client(url, timeout_seconds=0.05) as client, pytest.raises(DeadlineExceeded, match=r"within 0\.05 s"):
            client.models()


def test_a_loopback_gateway_is_not_asked_through_a_proxy(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with Client(stand_in.url) as client:
        assert client.models() == ["diabetes", "digits"]


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "localhost", ""])
def test_a_url_without_a_scheme_is_wrong_use(url: str) -> None:
    with pytest.raises(ValueError, match="must begin with http"):
        Client(url)


@pytest.mark.parametrize("timeout_seconds", [0, -1, math.inf, math.nan])
def test_a_wait_of_nothing_or_forever_is_wrong_use(timeout_seconds: float) -> None:
    with pytest.raises(ValueError, match="above 0 and finite"):
        Client("http://127.0.0.1:8080", timeout_seconds=timeout_seconds)
