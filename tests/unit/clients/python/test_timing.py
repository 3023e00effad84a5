"""The gateway's receipt, read."""

import pytest
from penstock_client.timing import Timing, read_timing


def test_the_gateways_receipt_is_read_in_seconds() -> None:
    durations = "decode;dur=0.050, queue;dur=0.400, backend;dur=12.000, encode;dur=0.030"
    timing = read_timing(f'{durations}, batch;desc="17 rows", cache;desc="miss"')
    assert timing is not None
    seconds = (timing.decode_seconds, timing.queue_seconds, timing.backend_seconds, timing.encode_seconds)
    assert seconds == pytest.approx((0.00005, 0.0004, 0.012, 0.00003))
    assert timing.batch_rows == 17


def test_what_others_add_is_passed_over() -> None:
    assert read_timing("cdn-cache; desc=HIT, edge; dur=1, queue; dur=2") == Timing(queue_seconds=0.002)


@pytest.mark.parametrize("said", [None, "", "total;dur=5", "decode;dur=1.2.3", 'backend;desc="3 rows"', "batch;dur=3"])
def test_without_a_receipt_there_is_no_timing(said: str | None) -> None:
    assert read_timing(said) is None
