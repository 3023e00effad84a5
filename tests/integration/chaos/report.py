"""What came of the storms: facts for JSON, a table for people. Pure but for the table's printing."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.integration.chaos.account import Account
from tests.integration.chaos.questions import Outcome, Protocol
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

    def outcomes(self, protocol: Protocol | None = None) -> Counter[Outcome]:
        return self.account.outcomes(self.account.over(protocol, range(self.sent)))

    def of(self, window: Window, protocol: Protocol | None = None) -> Counter[Outcome]:
        return self.account.outcomes(self.account.over(protocol, self.touched(window)))

    def recovered_seconds(self, window: Window, protocol: Protocol) -> float | None:
        """Of the requests over one protocol; None where they never were."""
        return self.account.recovered(window.ended, float(self.account.due[-1]), protocol)

    def longest_recovery(self, protocol: Protocol) -> float | None:
        found = [self.recovered_seconds(window, protocol) for window in self.windows]
        known = [seconds for seconds in found if seconds is not None]
        return max(known, default=0.0) if len(known) == len(found) else None

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
        "protocols": {protocol: _protocol_facts(storm, protocol) for protocol in Protocol},
        "faults": [_window_facts(storm, window) for window in storm.windows],
    }


def _protocol_facts(storm: Storm, protocol: Protocol) -> dict[str, object]:
    found = storm.outcomes(protocol)
    return {
        "sent": sum(found.values()),
        **{outcome: found[outcome] for outcome in Outcome},
        "longest_recovery_seconds": storm.longest_recovery(protocol),
        "not_answered": dict(storm.account.reasons(storm.account.over(protocol, range(storm.sent)))),
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
        "protocols": {protocol: _share_facts(storm, window, protocol) for protocol in Protocol},
    }


def _share_facts(storm: Storm, window: Window, protocol: Protocol) -> dict[str, object]:
    found = storm.of(window, protocol)
    return {
        "sent": sum(found.values()),
        **{outcome: found[outcome] for outcome in Outcome},
        "recovered_seconds": storm.recovered_seconds(window, protocol),
    }


def write_facts(storms: Sequence[Storm], path: Path) -> None:
    path.write_text(json.dumps(facts(storms), indent=2) + "\n")


def show(storms: Sequence[Storm], console: Console) -> None:
    for storm in storms:
        console.print(_table(storm))


def _table(storm: Storm) -> Table:
    table = Table(title=f"{storm.stage}: seed {storm.seed}, {storm.rate_per_second:g} requests/s", title_justify="left")
    table.add_column("fault")
    for name in ("sent", *Outcome, "recovered in, s", "promised, s"):
        table.add_column(name, justify="right")
    for window in storm.windows:
        counts = _counts(storm.of(window))
        table.add_row(window.name, *counts, _told(window.recovered_seconds), f"{window.promised_seconds:g}")
    table.add_section()
    for protocol in Protocol:
        longest = storm.longest_recovery(protocol)
        table.add_row(f"the whole run, {protocol}", *_counts(storm.outcomes(protocol)), _told(longest), "")
    table.add_row("the whole run", *_counts(storm.outcomes()), "", "")
    return table


def _counts(found: Counter[Outcome]) -> list[str]:
    return [f"{count:,}" for count in (sum(found.values()), *(found[outcome] for outcome in Outcome))]


def _told(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.1f}"
