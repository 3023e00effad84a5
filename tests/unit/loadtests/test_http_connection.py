import pytest

from loadtests.http_connection import answer_status, http_target, request_bytes

BUSY = b"HTTP/1.1 503 x\r\nContent-Length: 2\r\n\r\n{}"


def test_an_answer_counts_once_all_of_it_is_there() -> None:
    assert [answer_status(BUSY[:length]) for length in range(len(BUSY))] == [None] * len(BUSY)
    assert answer_status(BUSY) == 503


def test_an_answer_of_another_framing_is_refused() -> None:
    with pytest.raises(ValueError, match="Content-Length"):
        answer_status(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")


@pytest.mark.parametrize(
    ("url", "target"),
    [("http://here:8080/", ("here", 8080)), ("http://here", ("here", 80)), ("http://[::1]:9", ("::1", 9))],
)
def test_a_url_says_where_to_connect(url: str, target: tuple[str, int]) -> None:
    assert http_target(url) == target


@pytest.mark.parametrize("url", ["https://here", "here:80", "http://", "http://here:x"])
def test_a_url_that_cannot_be_asked_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="http://HOST:PORT"):
        http_target(url)


def test_a_request_says_its_own_host_and_length_once() -> None:
    written = request_bytes("here:80", "/v1", {"Content-Type": "x", "Content-Length": "9", "Host": "there"}, b"{}")
    assert written == b"POST /v1 HTTP/1.1\r\nhost: here:80\r\nContent-Type: x\r\ncontent-length: 2\r\n\r\n{}"
