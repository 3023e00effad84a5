"""`--set fit.epochs=3`: one value of a job replaced from the command line.

Pure. The key must exist in the job; the new job is checked like a file.
"""

import tomllib
from collections.abc import Sequence
from typing import Any

from serving.errors import InvalidJob
from training.job import JobSpec, parse_job


def override(job: JobSpec, assignments: Sequence[str], file: str) -> JobSpec:
    """`job` with each `key=value` applied in turn. Raises InvalidJob for a key that no job has, naming those it has."""
    if not assignments:
        return job
    content = job.model_dump(mode="json")
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise InvalidJob(f"--set {assignment}: write it as key=value, for example fit.epochs=3")
        *way, last = key.strip().split(".")
        table: Any = content
        for depth, name in enumerate(way):
            table = _inside(table, name, key, way[:depth])
        _inside(table, last, key, way)
        table[last] = toml_value(text)
    return parse_job(content, f"{file} with --set {' '.join(assignments)}")


def toml_value(text: str) -> object:
    """`text` as TOML would read it after `=`; what is not TOML is taken as a bare string."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return parsed["value"] if len(parsed) == 1 else text


def _inside(table: object, name: str, key: str, way: Sequence[str]) -> object:
    where = ".".join(way) or "a job"
    if not isinstance(table, dict):
        raise InvalidJob(f"--set {key}: {where} is one value; set it whole")
    if name not in table:
        raise InvalidJob(f"--set {key}: {where} has no {name!r}; there are: {', '.join(table)}")
    return table[name]
