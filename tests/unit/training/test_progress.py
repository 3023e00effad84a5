"""Progress in a log and on a terminal."""

import io
import re

from rich.console import Console

from training.progress import EpochReport, Interrupted, Report, StepReport, progress


def shown(*, terminal: bool, epochs: int) -> str:
    written = io.StringIO()
    console = Console(file=written, force_terminal=terminal, width=80, _environ={})
    with progress(console, epochs) as tell:
        for epoch in range(1, epochs + 1):
            tell(EpochReport(epoch, 0.5, 0.25, "accuracy", 0.9))
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.getvalue())


def test_log_gets_the_first_and_every_tenth_epoch() -> None:
    lines = shown(terminal=False, epochs=25).splitlines()
    assert [line.split()[1] for line in lines] == ["1/25", "10/25", "20/25"]
    assert lines[0].endswith("loss 0.5, validation 0.25 (accuracy 0.9)")


def lines(*reports: tuple[float, Report]) -> list[str]:
    """What a log gets when each report comes at its second."""
    written, seconds = io.StringIO(), 0.0
    with progress(Console(file=written, width=80, _environ={}), 3, clock=lambda: seconds) as tell:
        for at, report in reports:
            seconds = at
            tell(report)
    return written.getvalue().splitlines()


def test_log_of_long_epochs_gets_a_line_whenever_half_a_minute_went_without_one() -> None:
    steps = [(float(step), StepReport(1, step, 100, 0.5)) for step in range(1, 101)]
    told = lines(*steps, (101.0, EpochReport(1, 0.5, 0.25, "mae", 3)), (135.0, EpochReport(2, 0.4, 0.2, "mae", 2)))
    assert told == [
        "epoch 1/3  step 30/100  loss 0.5",
        "epoch 1/3  step 60/100  loss 0.5",
        "epoch 1/3  step 90/100  loss 0.5",
        "epoch 1/3  loss 0.5, validation 0.25 (mae 3)",
        "epoch 2/3  loss 0.4, validation 0.2 (mae 2)",
    ]


def test_interrupted_fit_says_what_it_keeps_and_how_to_end_it() -> None:
    (line,) = lines((1.0, Interrupted(7)))
    assert line.startswith("interrupted in epoch 7: going on with the best weights so far; Ctrl-C again")


def test_terminal_gets_epoch_step_loss_and_time_left() -> None:
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=80, _environ={})
    with progress(console, 3) as tell:
        tell(StepReport(2, 30, 40, 0.625))
        tell(Interrupted(2))
    bar = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.getvalue())
    assert re.search(r"epoch 2/3 30/40 .*loss 0\.625 .*\d:\d\d:\d\d|epoch 2/3 30/40 .*loss 0\.625 .*-:--:--", bar)
    assert "interrupted in epoch 2" in bar


def test_terminal_of_eighty_columns_gets_a_bar_with_losses_and_metric() -> None:
    bar = shown(terminal=True, epochs=300)
    assert "300/300" in bar
    assert "loss 0.5, validation 0.25 (accuracy 0.9)" in bar
