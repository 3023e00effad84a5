from pathlib import Path

import pytest

from serving.errors import BackendUnavailable
from serving.model_server.record_file import RecordTotals
from serving.model_server.record_verb import began_text, ended_text, progress, run
from serving.model_server.recording import RecordCounts, RecordOrder

OUT = Path("requests.tfrecord")


def test_it_says_what_is_recorded() -> None:
    every = RecordOrder(command="record", model="digits")
    some = RecordOrder(command="record", model="diabetes", fraction=0.1, redact=("age", "sex"))
    assert began_text(every, 1) == "recording every request for digits, from 1 process; Ctrl-C ends"
    told = "recording 0.1 of the requests for diabetes, without age, sex, from 2 processes; Ctrl-C ends"
    assert began_text(some, 2) == told


def test_progress_is_short() -> None:
    assert progress(RecordTotals(1234, 999_000)) == "1,234 requests, 999.0 kB"
    assert progress(RecordTotals(1234, 12_345_678)) == "1,234 requests, 12.3 MB"


def test_the_end_says_what_was_lost_and_only_that() -> None:
    clean = RecordTotals(5, 1000, 0, [RecordCounts(seen=3, sent=3), RecordCounts(seen=9, sent=2)])
    assert ended_text(clean, "digits", OUT) == "5 requests, 1.0 kB of 12 seen for digits: requests.tfrecord"
    worse = RecordTotals(5, 1000, 1, [RecordCounts(seen=9, sent=5, dropped=3, left_out=1)])
    _, dropped, left_out, lost = ended_text(worse, "digits", OUT).splitlines()
    assert dropped.startswith("3 taken and dropped")
    assert left_out.startswith("1 left out")
    assert lost.startswith("1 of the gateway's processes went away")


def test_without_a_socket_it_says_which_setting_is_missing(tmp_path: Path) -> None:
    with pytest.raises(BackendUnavailable, match="setting control_socket"):
        run(["digits", "--socket", str(tmp_path / "s"), "--out", str(tmp_path / "out")])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "wrong",
    [
        ["--fraction", "0"],
        ["--fraction", "1.5"],
        ["--fraction", "half"],
        ["--fraction", "nan"],
        ["--requests", "0"],
        ["--requests", "²"],
        ["--seconds", "-1"],
        ["--seconds", "inf"],
        ["--seconds", "1", "--requests", "1"],
    ],
)
def test_numbers_that_make_no_sense_are_wrong_use(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(["digits", "--socket", "s", "--out", "o", *wrong])
    assert wrong[0] in capsys.readouterr().err
