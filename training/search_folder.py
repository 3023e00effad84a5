"""The folder in which a search keeps its trials: of one search only, and used by one process at a time.

KerasTuner writes the trials into it; what is here is who may.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from serving.errors import InvalidJob
from serving.model_store.lock import claimed
from training.job import JobSpec

IDENTITY = "search.json"
LOCK = "lock"
TRIALS = "trials"
"""Within it, what KerasTuner writes: all that a fresh start removes."""


@contextmanager
def search_folder(folder: Path, job: JobSpec, *, fresh: bool) -> Iterator[None]:
    """Holds `folder`, made where there is none, for the search of `job`. `fresh` forgets its trials first.

    Raises InvalidJob when it holds the trials of another search, or another process is at work in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with claimed(folder / LOCK) as ours:
        if not ours:
            raise InvalidJob(f"another process searches in {folder}; name another folder with --search-dir")
        if fresh:
            shutil.rmtree(folder / TRIALS, ignore_errors=True)
            (folder / IDENTITY).unlink(missing_ok=True)
        check_same_search(folder, job)
        written = folder / f".{IDENTITY}"
        written.write_text(json.dumps(identity(job), indent=2))
        written.replace(folder / IDENTITY)
        yield


def check_same_search(folder: Path, job: JobSpec) -> None:
    """Raises InvalidJob when `folder` holds the trials of a search over another job, naming where they differ."""
    try:
        theirs = json.loads((folder / IDENTITY).read_bytes())
    except FileNotFoundError:
        return
    ours = identity(job)
    if different := [key for key in sorted({*ours, *theirs}) if ours.get(key) != theirs.get(key)]:
        raise InvalidJob(
            f"{folder} holds the trials of another search: {', '.join(different)} differ."
            " Start over with --fresh, or name another folder with --search-dir"
        )


def identity(job: JobSpec) -> dict[str, Any]:
    """What makes trials comparable: the job, but for words, what comes after the fit, and the number of trials."""
    after = dict.fromkeys(("description", "export", "keep_keras_model", "publish"), True)
    return job.model_dump(mode="json", exclude={**after, "search": {"trials"}})
