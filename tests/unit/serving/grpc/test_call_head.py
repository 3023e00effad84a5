import pytest

from serving.errors import InvalidInput
from serving.grpc.call_head import read_head


@pytest.mark.parametrize(
    ("sent", "remaining", "seconds"),
    [(None, None, 5.0), (None, 2.0, 2.0), ("1500", 2.0, 1.5), ("1500", 1.0, 1.0), ("9e9", None, 5.0), (None, 1e9, 5.0)],
)
def test_the_shortest_limit_counts(sent: str | None, remaining: float | None, seconds: float) -> None:
    head = read_head([("x-request-timeout-ms", sent)] if sent else ())
    assert head.timeout_seconds(remaining, 5.0) == seconds


@pytest.mark.parametrize("sent", ["0", "-1", "soon", "nan", ""])
def test_a_timeout_that_is_no_positive_number_is_refused(sent: str) -> None:
    with pytest.raises(InvalidInput):
        read_head([("x-request-timeout-ms", sent)]).timeout_seconds(None, 5.0)


def test_only_our_own_keys_are_read() -> None:
    head = read_head([("user-agent", "x"), ("x-request-id", "abc"), ("trace-bin", b"\x00")])
    assert (head.request_id, head.timeout_ms) == ("abc", None)
