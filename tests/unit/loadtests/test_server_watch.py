import os
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from loadtests.server_watch import ServerWatch, metric_sums, pids_listening, process_facts, sample

METRICS = """\
# HELP process_open_fds Number of open file descriptors.
process_open_fds{worker="0"} 20.0
process_open_fds{worker="1"} 22.0
process_cpu_seconds_total{worker="0"} 1.5
penstock_batch_rows_sum{model_name="digits",model_version="1"} 30.0
penstock_batch_rows_sum{model_name="digits",model_version="2"} 10.0
penstock_batch_rows_sum{model_name="other",model_version="1"} 500.0
penstock_batch_rows_count{model_name="digits",model_version="1"} 8.0
penstock_batch_rows_bucket{model_name="digits",le="+Inf"} 8.0
penstock_queue_rows 3.0
"""


def test_metrics_are_summed_over_workers_and_versions_but_not_over_models() -> None:
    found = metric_sums(METRICS, "digits")
    assert found["process_open_fds"] == 42
    assert found["penstock_batch_rows_sum"] == 40
    assert found["penstock_queue_rows"] == 3


def test_batches_are_those_since_the_last_look() -> None:
    now = metric_sums(METRICS, "digits")
    before = {"penstock_batch_rows_sum": 10.0, "penstock_batch_rows_count": 2.0}
    found = sample(now, before, {}, at_seconds=2.0)
    assert (found.mean_batch_rows, found.queue_rows, found.open_files, found.cpu_seconds) == (5.0, 3.0, 42, 1.5)
    assert found.threads is None
    assert sample(now, now, {}, at_seconds=2.0).mean_batch_rows is None
    assert sample(now, {}, {}, at_seconds=0.0).mean_batch_rows is None


def test_a_server_that_tells_nothing_leaves_an_empty_sample() -> None:
    found = sample({}, {}, {}, at_seconds=1.0)
    assert found.model_dump(exclude_none=True) == {"at_seconds": 1.0}


def test_the_process_behind_a_port_is_found_and_read() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        pids = pids_listening(listening.getsockname()[1])
    assert pids == {os.getpid()}
    found = process_facts(pids)
    assert found["threads"] >= 1
    assert found["process_resident_memory_bytes"] > 1e6
    assert found["process_open_fds"] >= 3
    assert process_facts(frozenset({2**22 + 1})) == {}


def test_a_watch_reads_the_server_until_its_end() -> None:
    asked, keys = threading.Event(), []

    class Metrics(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name is the library's
            self.send_response(200)
            self.end_headers()
            self.wfile.write(METRICS.encode())
            keys.append(self.headers["x-api-key"])
            asked.set()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Metrics) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        with ServerWatch(f"http://127.0.0.1:{server.server_port}", "digits", api_key="psk_1") as watch:
            assert asked.wait(30)
        server.shutdown()
    (first, *_) = watch.samples
    assert first.queue_rows == 3
    assert first.threads is not None
    assert keys[0] == "psk_1"


def test_nothing_before_the_begin_is_kept() -> None:
    with ServerWatch("http://127.0.0.1:1", "digits") as watch:
        pass
    assert len(watch.samples) == 1
    watch = ServerWatch("http://127.0.0.1:1", "digits", clock=iter([5.0, 1.0, 1.0, 9.0]).__next__)
    with watch:
        pass
    assert watch.samples == ()


@pytest.mark.parametrize("url", ["http://198.51.100.1:80", "http://example.invalid"])
def test_a_server_elsewhere_has_no_processes_here(url: str) -> None:
    assert ServerWatch(url, "digits").samples == ()
