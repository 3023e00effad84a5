"""What came of the storms: facts for JSON, a table for people. Pure but for the table's printing."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.integration.chaos.account import Account
from tests.integration.chaos.questions import Outcome
from tests.integration.chaos.storm import Window


@dataclass(frozen=True, slots=True)
class Storm:
    """One stage's run."""

    stage: str
    seed: int
    held_seconds: float
    rate_per_second: float
    account: Account
    windows: Sequence[Window]

    @property
    def sent(self) -> int:
        return len(self.account.due)

    def outcomes(self) -> Counter[Outcome]:
        return self.account.outcomes(range(self.sent))

    def of(self, window: Window) -> Counter[Outcome]:
        return self.account.outcomes(self.touched(window))

    def touched(self, window: Window) -> list[int]:
        """The requests that may have met it: the "sent" of its row."""
        return self.account.under_way(window.began, window.until)

    def undisturbed(self) -> list[int]:
        """The requests that no fault may have touched."""
        touched = {each for window in self.windows for each in self.touched(window)}
        return [each for each in range(self.sent) if each not in touched]

    def broken_promises(self, bound_times: float, *, is_quiet: bool) -> Iterator[str]:
        """What was promised and did not come, in words.

        On a machine that is not `is_quiet`, busy with other work too, a refusal is no broken promise: to be late or to
        have no room is what refusals are for.
        """
        borne = {Outcome.ANSWERED} if is_quiet else {Outcome.ANSWERED, Outcome.REFUSED}
        account = self.account
        if account.twice:
            yield f"{account.twice} requests ended twice"
        for outcome in (Outcome.WRONG, Outcome.LOST):
            if count := self.outcomes()[outcome]:
                yield f"{count} requests were {outcome}"
        for window in self.windows:
            found = self.of(window)
            for outcome in found.keys() - window.harm - borne - {Outcome.WRONG, Outcome.LOST}:
                reasons = dict(account.reasons(self.touched(window)))
                yield f"{window.name}: {found[outcome]} requests {outcome}: {reasons}"
            if window.recovered_seconds is None:
                yield f"{window.name}: not recovered {bound_times * window.promised_seconds:g} s after its end"
        for each in self.undisturbed():
            if account.outcome_of(each) not in borne:
                yield f"request {each}, due at {account.due[each]:.2f} s: {account.ended.get(each)}"


def facts(storms: Sequence[Storm]) -> dict[str, object]:
    return {"storms": [_storm_facts(storm) for storm in storms]}


def _storm_facts(storm: Storm) -> dict[str, object]:
    return {
        "stage": storm.stage,
        "seed": storm.seed,
        "held_seconds": storm.held_seconds,
        "rate_per_second": storm.rate_per_second,
        "sent": storm.sent,
        **{outcome: storm.outcomes()[outcome] for outcome in Outcome},
        "ended_twice": storm.account.twice,
        "not_answered": dict(storm.account.reasons(range(storm.sent))),
        "faults": [_window_facts(storm, window) for window in storm.windows],
    }


def _window_facts(storm: Storm, window: Window) -> dict[str, object]:
    found = storm.of(window)
    return {
        "name": window.name,
        "began_seconds": round(window.began, 2),
        "ended_seconds": round(window.ended, 2),
        "recovered_seconds": window.recovered_seconds,
        "promised_seconds": window.promised_seconds,
        "sent": sum(found.values()),
        **{outcome: found[outcome] for outcome in Outcome},
    }


def write_facts(storms: Sequence[Storm], path: Path) -> None:
    path.write_text(json.dumps(facts(storms), indent=2) + "\n")


def show(storms: Sequence[Storm], console: Console) -> None:
    for storm in storms:
        console.print(_table(storm))


def _table(storm: Storm) -> Table:
    total = storm.outcomes()
    table = Table(title=f"{storm.stage}: seed {storm.seed}, {storm.rate_per_second:g} requests/s", title_justify="left")
    table.add_column("fault")
    for name in ("sent", *Outcome, "recovered in, s", "promised, s"):
        table.add_column(name, justify="right")
    for window in storm.windows:
        found = storm.of(window)
        recovered = "never" if window.recovered_seconds is None else f"{window.recovered_seconds:.1f}"
        counts = [sum(found.values()), *(found[outcome] for outcome in Outcome)]
        table.add_row(window.name, *map("{:,}".format, counts), recovered, f"{window.promised_seconds:g}")
    table.add_section()
    table.add_row("the whole run", f"{storm.sent:,}", *(f"{total[outcome]:,}" for outcome in Outcome), "", "")
    return table
