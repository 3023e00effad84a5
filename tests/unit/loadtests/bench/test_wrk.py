from pathlib import Path

import pytest

from loadtests.bench.errors import BenchError
from loadtests.bench.forms import HttpRequest
from loadtests.bench.wrk import WrkCount, lua_script, lua_string, parse_count, wrk_path

PRINTED = """Running 60m test @ http://127.0.0.1:18080
  1 threads and 32 connections
Requests/sec:  12345.67
counted {"requests":24691,"microseconds":2000100,"p50":2345,"p99":7890,"refused":3,"broken":0}
"""
ONE = HttpRequest("/predict", {"content-type": "application/json"}, b"{}")
OTHER = HttpRequest("/infer", {"x": 'a "quoted" \\ value'}, b"\x00\x01")


def test_what_wrk_counted_is_read_in_our_units() -> None:
    assert parse_count(PRINTED) == WrkCount(24691, 2.0001, 2.345, 7.89, 3, 0)


def test_a_wrk_that_did_not_finish_is_told_with_what_it_said() -> None:
    with pytest.raises(BenchError, match="unable to connect"):
        parse_count("unable to connect to 127.0.0.1:1 Connection refused\n")


def test_the_package_is_named_where_wrk_is_absent(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="apt-get install wrk"):
        wrk_path(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "literal"), [("plain /v1:x", '"plain /v1:x"'), ('a"b\\', '"a\\034b\\092"'), ("é\n", '"\\195\\169\\010"')]
)
def test_any_text_is_a_lua_string(text: str, literal: str) -> None:
    assert lua_string(text) == literal


def test_one_request_is_wrks_own() -> None:
    script = lua_script([ONE], [Path("body")])
    assert 'wrk.path = "/predict"' in script
    assert 'wrk.headers["content-type"] = "application/json"' in script
    assert "function request" not in script


def test_several_requests_take_turns() -> None:
    script = lua_script([ONE, OTHER], [Path("a"), Path("b")])
    assert script.count("table.insert(all") == 2
    assert "function request" in script
