"""The sources a job can name, one reader each."""

from pathlib import Path
from typing import assert_never

from training.data.bundled import read_bundled
from training.data.dataset import Dataset, listed_only
from training.data.downloads import cached_file
from training.data.folder import read_folder
from training.data.keras_datasets import read_keras
from training.data.npz import read_npz
from training.data.spec import BundledSpec, FolderSpec, KerasSpec, NpzSpec, TableSpec
from training.data.table import read_table
from training.job import JobSpec


def read_dataset(job: JobSpec) -> Dataset:
    """The job's rows. Raises InvalidJob where its source is not there or does not have what the job names,
    InvalidInput for a value that is not of its column's kind.
    """
    return listed_only(_read(job), job)


def _read(job: JobSpec) -> Dataset:
    match job.data:
        case BundledSpec():
            return read_bundled(job.data)
        case KerasSpec():
            return read_keras(job.data)
        case TableSpec():
            path = Path(job.data.path) if job.data.path else cached_file(job.data.url or "")
            return read_table(path, job.data, job)
        case FolderSpec():
            return read_folder(job.data, job.features)
        case NpzSpec():
            return read_npz(job.data)
        case _:
            assert_never(job.data)
