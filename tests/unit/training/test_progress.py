"""Progress in a log and on a terminal."""

import io
import re

from rich.console import Console

from training.progress import EpochReport, progress


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


def test_terminal_of_eighty_columns_gets_a_bar_with_losses_and_metric() -> None:
    bar = shown(terminal=True, epochs=300)
    assert "300/300" in bar
    assert "loss 0.5, validation 0.25 (accuracy 0.9)" in bar
