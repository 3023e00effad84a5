"""Job files on disk: the shipped ones by name, any other by path."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from serving.errors import InvalidJob
from training.job import JobSpec, parse_job
from training.overrides import override
from training.search_space import check_space

SHIPPED = Path(__file__).parent / "jobs"


def shipped_jobs() -> Mapping[str, Path]:
    """The job files that come with Penstock, by name."""
    return {path.stem: path for path in sorted(SHIPPED.glob("*.toml"))}


def load_job(name_or_path: str, assignments: Sequence[str] = ()) -> JobSpec:
    """The job of a shipped name or of a path to a .toml, with `--set` assignments applied.

    Raises InvalidJob for a name that is not shipped, a file that cannot be read, and anything wrong in it.
    """
    path = _find(name_or_path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidJob(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidJob(f"{path}: not TOML: {error}") from error
    return job_in(text, path.name, assignments)


def job_in(text: str, file: str, assignments: Sequence[str] = ()) -> JobSpec:
    """The same from a job file's text. Raises InvalidJob that names `file`."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidJob(f"{file}: not TOML: {error}") from error
    except RecursionError as error:  # of the parser's, for lists within lists past what anybody writes
        raise InvalidJob(f"{file}: nested too deeply") from error
    job = override(parse_job(content, file), assignments, file)
    check_space(job, file)
    return job


def _find(name_or_path: str) -> Path:
    if name_or_path.endswith(".toml"):
        return Path(name_or_path)
    shipped = shipped_jobs()
    if name_or_path not in shipped:
        raise InvalidJob(f"no job {name_or_path!r}; there are: {', '.join(shipped)}, or give the path of a .toml file")
    return shipped[name_or_path]
