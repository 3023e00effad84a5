"""Service-level objectives: what is asked of a run, read from TOML, and whether the run held it, with the reasons.

Pure: files are read by others. A bound that an objective leaves out is not judged.
"""

import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat, ValidationError

from loadtests.run_result import RunResult, Verdict


class Objective(BaseModel):
    """Latencies are those of all requests that were answered, errors those that were not answered as they should be."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    p50_milliseconds: PositiveFloat | None = None
    p95_milliseconds: PositiveFloat | None = None
    p99_milliseconds: PositiveFloat | None = None
    errors_percent: NonNegativeFloat | None = None
    goodput_per_second: PositiveFloat | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One bound beside what was measured; NaN where nothing was."""

    what: str
    measured: float
    bound: float
    is_least: bool
    unit: str

    @property
    def is_held(self) -> bool:
        return self.measured >= self.bound if self.is_least else self.measured <= self.bound  # NaN holds nothing

    def __str__(self) -> str:
        relation = "at least" if self.is_least else "at most"
        measured = "none was measured" if math.isnan(self.measured) else f"{self.measured:.4g} {self.unit}".rstrip()
        sign = "held" if self.is_held else "MISSED"
        return f"{sign:<6}  {self.what}: {measured}, wanted {relation} {self.bound:g} {self.unit}".rstrip()


_Measure: TypeAlias = Callable[[RunResult], float]

_MEASURES: Mapping[str, tuple[str, str, _Measure]] = MappingProxyType(
    {
        "p50_milliseconds": ("p50", "ms", lambda run: run.latencies.percentile_seconds(50) * 1e3),
        "p95_milliseconds": ("p95", "ms", lambda run: run.latencies.percentile_seconds(95) * 1e3),
        "p99_milliseconds": ("p99", "ms", lambda run: run.latencies.percentile_seconds(99) * 1e3),
        "errors_percent": ("errors", "%", lambda run: run.error_rate * 100 if run.sent else math.nan),
        "goodput_per_second": ("goodput", "/s", lambda run: run.goodput_per_second),
    }
)
_LEAST = frozenset({"goodput_per_second"})


def parse_objective(text: str, name: str) -> Objective:
    """`name` stands in the errors. Raises ValueError for what is no TOML or no objective, with its first wrong key."""
    try:
        return Objective.model_validate(tomllib.loads(text))
    except ValidationError as wrong:
        first = wrong.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        known = ", ".join(Objective.model_fields)
        raise ValueError(f"{name}: {place}: {first['msg']}; an objective may have {known}") from wrong
    except tomllib.TOMLDecodeError as wrong:
        raise ValueError(f"{name}: {wrong}") from wrong


def judge(run: RunResult, objective: Objective, name: str) -> Verdict:
    """A reason for each bound. A run that is itself invalid holds none, whatever it measured."""
    bounds = {key: bound for key, bound in objective.model_dump().items() if bound is not None}
    findings = [
        Finding(what, measure(run), bounds[key], key in _LEAST, unit)
        for key, (what, unit, measure) in _MEASURES.items()
        if key in bounds
    ]
    reasons = tuple(map(str, findings))
    if run.invalid_because is not None:
        return Verdict(
            objective=name, met=False, reasons=(f"MISSED  the run is invalid: {run.invalid_because}", *reasons)
        )
    return Verdict(objective=name, met=all(finding.is_held for finding in findings), reasons=reasons)
