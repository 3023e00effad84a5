import pytest

from serving.model_settings import ModelSettings
from serving.settings import Settings
from serving.workers.share import share_of


@pytest.mark.parametrize(("in_flight", "workers", "each"), [(2, 2, 1), (2, 4, 1), (3, 2, 2), (8, 2, 4), (1, 256, 1)])
def test_calls_under_way_are_shared_out_one_at_least(in_flight: int, workers: int, each: int) -> None:
    settings = Settings(max_in_flight_batches=in_flight, workers=workers)
    assert share_of(settings, 1, 2).max_in_flight_batches == each


def test_memory_for_waiting_is_shared_out_and_the_bound_on_waiting_is_not() -> None:
    settings = Settings(max_queue_bytes=1001, max_queue_rows=100, workers=2)
    share = share_of(settings, 1, 2)
    assert (share.max_queue_bytes, share.max_queue_rows) == (501, 100)


def test_memory_for_answers_kept_is_shared_out() -> None:
    settings = Settings(model={"kept": ModelSettings(cache_bytes=999), "plain": ModelSettings()}, workers=2)
    assert {name: m.cache_bytes for name, m in share_of(settings, 1, 2).model.items()} == {"kept": 500, "plain": 0}


def test_ports_are_those_that_were_taken_and_the_rest_is_everybodys() -> None:
    settings = Settings(port=0, grpc_port=0, workers=2, max_batch_rows=7)
    share = share_of(settings, 4242, 4243)
    assert (share.port, share.grpc_port, share.workers, share.max_batch_rows) == (4242, 4243, 2, 7)
