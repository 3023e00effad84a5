"""A run's page: its figures are the run's, nothing breaks it, and it needs nothing beside it."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from loadtests.report.comparison import Named
from loadtests.report.page import render_comparison, render_page, write_report
from loadtests.report.verb import names_of, run
from loadtests.run_result import RunResult, Verdict

VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Tags and attributes; raises AssertionError where an element is closed that is not open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)


@pytest.fixture(scope="module")
def pages(whole: RunResult, hostile: RunResult, empty: RunResult) -> list[str]:
    runs = whole, hostile, empty
    couples = (whole, hostile), (empty, whole), (empty, empty)
    return [render_page(run) for run in runs] + [
        render_comparison(Named("<a>", one), Named("<b>", other)) for one, other in couples
    ]


def _addresses(page: Page) -> Iterator[str]:
    for _, attributes in page.seen:
        yield from (value or "" for name, value in attributes.items() if name in {"src", "href", "xlink:href", "data"})


def test_every_element_is_closed_and_nothing_hostile_becomes_one(pages: list[str]) -> None:
    for page in pages:
        read = Page(page)
        assert read.open == []
        assert "script" not in {tag for tag, _ in read.seen}
        assert not [name for _, attributes in read.seen for name in attributes if name.startswith("on")]


def test_no_page_fetches_anything(pages: list[str]) -> None:
    for page in pages:
        assert all(address.startswith("#part-") for address in _addresses(Page(page)))
        assert "url(" not in page
        assert "@import" not in page
        assert "default-src 'none'" in page


def test_ids_are_there_once(pages: list[str]) -> None:
    for page in pages:
        ids = [attributes["id"] for _, attributes in Page(page).seen if "id" in attributes]
        assert len(ids) == len(set(ids))


def test_each_picture_is_told_in_words(whole: RunResult) -> None:
    read = Page(render_page(whole))
    pictures = [attributes for tag, attributes in read.seen if tag == "svg" and attributes.get("role") == "img"]
    ids = {attributes.get("id") for _, attributes in read.seen}
    assert len(pictures) == 6  # rate, latency, percentiles, queue, cpu, memory
    assert all({told["aria-labelledby"], told["aria-describedby"]} <= ids for told in pictures)
    assert sum(tag == "details" for tag, _ in read.seen) == len(pictures)


def test_the_figures_shown_are_those_of_the_run(whole: RunResult) -> None:
    told = Page(render_page(whole)).text
    assert "1,003" in told  # offered
    assert "13 of 2,000" in told
    assert "0.65 %" in told
    assert "99.35 % of 2,000 requests" in told
    assert f"{whole.latencies.percentile_seconds(99) * 1e3:.1f} ms" in told
    assert f"{whole.latencies.percentile_seconds(50) * 1e3:.2f} ms" in told
    for of_a_second in ("2.10 ms", "30.7 ms", "41.1 ms", "987"):
        assert of_a_second in told
    assert "0.750 throughout" in told  # cores: 1.5 s in 2 s
    assert "400 MiB at first, 410 MiB at most, 410 MiB at the end" in told
    assert "0 at first, 37 at most, 37 at the end" in told
    assert "470 µs" in told  # lateness
    assert "no answer" in told
    assert "--name 'two words'" in told


def test_an_invalid_run_says_so_before_anything_else(whole: RunResult) -> None:
    assert "Invalid run" not in render_page(whole)
    words = Page(render_page(whole.model_copy(update={"invalid_because": "too late"}))).text
    assert words.index("Invalid run") < words.index("too late") < words.index("digits: poisson", 100)


@pytest.mark.parametrize(("met", "word"), [(True, "met"), (False, "missed")])
def test_the_verdict_stands_with_its_reasons(whole: RunResult, *, met: bool, word: str) -> None:
    verdict = Verdict(objective="strict", met=met, reasons=("p99 7 ms is above 5 ms",))
    told = Page(render_page(whole.model_copy(update={"verdict": verdict}))).text
    assert f"Objective strict: {word}" in told
    assert "p99 7 ms is above 5 ms" in told


def test_what_a_run_lacks_is_said_with_the_reason(empty: RunResult) -> None:
    told = Page(render_page(empty)).text
    assert "nan" not in told
    for said in ("No request was sent", "no request was answered", "No lateness", "server was not watched"):
        assert said in told


def test_what_waited_for_a_connection_is_told_apart_from_lateness(whole: RunResult) -> None:
    told = Page(render_page(whole.model_copy(update={"waited_for_connection": 17}))).text
    assert "17 requests waited for a free connection" in told


def test_two_runs_stand_beside_each_other_with_what_differs(whole: RunResult) -> None:
    other = whole.model_copy(update={"good": 1_000, "offered_per_second": 2_000.0, "environment": {"cores": "8"}})
    told = Page(render_comparison(Named("before", whole), Named("after", other))).text
    assert "offered a second: 1,003 and 2,000" in told
    assert "cores: 2 and 8" in told
    assert f"{1_000 / 1_987:.2f}" in told


def test_the_verb_writes_beside_the_run(whole: RunResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    whole.write(first)
    whole.write(second)
    assert run([str(first)]) == 0
    assert run([str(first), str(second)]) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / "a.html"), str(tmp_path / "comparison.html")]
    write_report(whole, tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == (tmp_path / "a.html").read_bytes()


def test_the_verb_refuses_what_is_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.json").write_text("{}")
    assert run([str(tmp_path / "a.json")]) == 1
    assert run([str(tmp_path / "none.json")]) == 1
    assert "a.json is no result of a load test" in capsys.readouterr().err


def test_runs_are_named_by_what_tells_them_apart() -> None:
    assert names_of(Path("x/a.json"), Path("x/b.json")) == ("a", "b")
    assert names_of(Path("x/run.json"), Path("y/run.json")) == ("x", "y")
