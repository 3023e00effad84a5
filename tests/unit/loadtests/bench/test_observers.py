"""The table of what observing costs."""

from pathlib import Path

from loadtests.bench.observers import Way, table, ways

HEADERS = ((b"traceparent", b"00"),)


def test_each_way_is_compared_with_nothing_under_the_same_headers_by_the_least_of_its_rounds() -> None:
    found = [
        Way("nothing", loop_us=[12.0, 10.0], all_us=[11.0, 20.0]),
        Way("nothing else", headers=HEADERS, loop_us=[30.0], all_us=[33.0]),
        Way("log", {"access_log": True}, loop_us=[11.5, 13.0], all_us=[15.0, 16.0]),
        Way("traces", {"tracing_endpoint": "x"}, headers=HEADERS, loop_us=[31.0], all_us=[33.5]),
    ]
    assert table(found).splitlines()[2:] == [
        "| nothing | 10.0 | +0.0 | 11.0 | +0.0 |",
        "| nothing else | 30.0 | +0.0 | 33.0 | +0.0 |",
        "| log | 11.5 | +1.5 | 15.0 | +4.0 |",
        "| traces | 31.0 | +1.0 | 33.5 | +0.5 |",
    ]


def test_every_way_has_a_plain_one_to_be_compared_with(tmp_path: Path) -> None:
    found = ways(tmp_path)
    plain = {way.headers for way in found if not way.settings and not way.model}
    assert {way.headers for way in found} <= plain
