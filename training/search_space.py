"""From a search's space to jobs and back: which values a trial has, and the job that it trains. Pure."""

from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from serving.errors import InvalidJob
from training.dotted_keys import put
from training.job import JobSpec, parse_job
from training.search_spec import ChoicesSpace, RangeSpace, Search, SearchSpec

DIGITS = 6

Values = Mapping[str, JsonValue]
"""What a trial replaces in the job, by dotted key."""


def with_values(job: JobSpec, values: Values, asked_by: str = "search.space") -> JobSpec:
    """`job` with `values` in place of its own. Raises InvalidJob, told by `asked_by`, where that is no job."""
    content = job.model_dump(mode="json")
    for key, value in values.items():
        put(content, key, value, asked_by=f"{asked_by}: {key}")
    told = ", ".join(f"{key} = {value_text(value)}" for key, value in values.items())
    return parse_job(content, f"{asked_by} with {told}")


def check_space(job: JobSpec, file: str) -> None:
    """Raises InvalidJob for a key that the job lacks, and for a value that gives no job.

    Each end of a range and each choice is tried with the job's other values as they stand.
    """
    for values in _ends(job.search) if job.search else ():
        with_values(job, values, f"{file}: search.space")


def search_of(job: JobSpec) -> SearchSpec:
    """The job's search. Raises InvalidJob where there is none, or it could not be run."""
    if job.search is None:
        raise InvalidJob(f"{job.model} has no [search] table; docs/training.md says what to write")
    if not job.split.validation:
        raise InvalidJob("split.validation is 0, and a search judges by the validation split")
    if job.distribution.strategy == "multi_worker":
        raise InvalidJob("distribution.strategy: each process of a search fits alone; train the best trial's job so")
    return job.search


def sampled_values(search: Search, sampled: Mapping[str, int | float]) -> dict[str, JsonValue]:
    """A trial's values from what KerasTuner drew: a number for a range, the place of the choice for choices."""
    return {entry.key: _value(entry, sampled[entry.key]) for entry in search.space}


def value_text(value: JsonValue) -> str:
    """As a person reads it in a line or a table's cell."""
    if isinstance(value, float):
        return f"{value:.{DIGITS}g}"
    if isinstance(value, list):
        return f"[{', '.join(map(value_text, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {value_text(each)}' for key, each in value.items())}}}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _value(entry: RangeSpace | ChoicesSpace, drawn: float) -> JsonValue:
    if isinstance(entry, ChoicesSpace):
        return entry.choices[int(drawn)]
    number = int(drawn) if entry.whole else float(f"{drawn:.{DIGITS}g}")  # workers are sent float32
    return min(max(number, entry.low), entry.high)  # KerasTuner's whole numbers on a log scale may end one above


def _ends(search: Search) -> Iterator[Values]:
    for entry in search.space:
        if isinstance(entry, ChoicesSpace):
            yield from ({entry.key: choice} for choice in entry.choices)
        else:
            yield from ({entry.key: _value(entry, end)} for end in (entry.low, entry.high))
