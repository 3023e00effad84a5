"""`--set fit.epochs=3`: one value of a job replaced from the command line.

Pure. The key must exist in the job; the new job is checked like a file.
"""

import tomllib
from collections.abc import Sequence

from serving.errors import InvalidJob
from training.dotted_keys import put
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
        name = key.strip()
        put(content, name, toml_value(text), asked_by=f"--set {name}")
    return parse_job(content, f"{file} with --set {' '.join(assignments)}")


def toml_value(text: str) -> object:
    """`text` as TOML would read it after `=`; what is not TOML is taken as a bare string."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return parsed["value"] if len(parsed) == 1 else text
