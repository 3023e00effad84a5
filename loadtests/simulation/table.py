"""The bench's figures as Markdown. Times are milliseconds."""

from collections.abc import Iterator, Sequence

from loadtests.simulation.device import CASES, Case
from loadtests.simulation.grid import Figures
from loadtests.simulation.ours import our_core
from loadtests.simulation.scenarios import (
    OVERLAPPING,
    greedy_neighbour,
    lanes_under_load,
    overload_that_ends,
    patient_work_under_urgent,
    through_a_line,
)
from serving.batching.events import Lane

HEAD = (
    "device",
    "arrivals",
    "load",
    "policy",
    "goodput",
    "mean",
    "p50",
    "p99",
    "refused",
    "told after",
    "rows a batch",
)
FIXED_SLOTS, MOST_SLOTS = (1, 2, 3, 4, 8), 8


def table(rows: Sequence[Figures]) -> str:
    """One line for each row."""
    lines = [f"| {' | '.join(HEAD)} |", f"|---|---|---:|---|{'---:|' * 7}"]
    for row in rows:
        times = [row.mean_seconds, row.p50_seconds, row.p99_seconds]
        cells = [row.case, row.kind, f"{row.load:g}", row.policy, _shown(row.goodput, 1, 3)]
        cells += [_shown(time, 1e3, 2) for time in times]
        cells += [_shown(row.refused, 1, 3), _shown(row.refusal_p50_seconds, 1e3, 2), _shown(row.mean_batch_rows, 1, 1)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def scenarios(number: int) -> str:
    """Our core in each scenario, in words; `number` is about how many requests each has."""
    lines = [line for case in CASES for line in _of_device(case, number)]
    lines.append(f"{OVERLAPPING.name}, 60,000 rows a second:")
    for slots in FIXED_SLOTS:
        outcome = through_a_line(our_core(OVERLAPPING, slots=slots), number)
        lines.append(f"  K = {slots}: {_ms(outcome.mean_seconds)} ms, {outcome.mean_batch_rows:.1f} rows a batch")
    core = our_core(OVERLAPPING, slots=1, most_slots=MOST_SLOTS)
    settled = through_a_line(core, 10 * number).latencies[-number:]
    lines.append(f"  K found from 1 on: {core.slots}; {_ms(float(settled.mean()))} ms over the last tenth")
    return "\n".join(lines) + "\n"


def _of_device(case: Case, number: int) -> Iterator[str]:
    full = case.device.seconds(case.max_batch_rows)
    yield f"{case.name}, S(B) = {_ms(full)} ms:"
    over = overload_that_ends(our_core, case, number // case.max_batch_rows)
    yield (
        f"  load 2 after 0.6: {over.share_of_capacity:.3f} of capacity in time, half of the refused told within"
        f" {_ms(over.refusal_p50_seconds)} ms; mean {_ms(over.before_seconds)} ms before,"
        f" {_ms(over.after_seconds)} ms after"
    )
    modest = greedy_neighbour(our_core, case, number // 10)
    yield (
        f"  tenant at load 0.2: {_ms(modest.alone.mean_seconds)} ms alone, {_ms(modest.beside.mean_seconds)} ms beside"
        f" one at load 2; goodput {modest.alone.goodput:.3f} and {modest.beside.goodput:.3f}"
    )
    lanes = lanes_under_load(our_core, case, number)
    told = ", ".join(
        f"{lane.name.lower()} {_ms(lanes[lane].mean_seconds)} ms {lanes[lane].goodput:.3f}" for lane in Lane
    )
    yield f"  lanes at load 1.5, mean and goodput: {told}"
    patient = patient_work_under_urgent(our_core, case, number)
    yield f"  batch lane under urgent work at load 1.5: at most {_ms(patient.latency_seconds(1.0))} ms"


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.2f}"


def _shown(value: float | None, factor: float, digits: int) -> str:
    return "" if value is None else f"{value * factor:.{digits}f}"
