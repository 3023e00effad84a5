"""A job's rows, read and split: all in memory, or of a streamed table a sample with the way to the rest."""

from dataclasses import dataclass

from training.data.dataset import Dataset, Rows, check_classes, decode, split_keys
from training.data.sources import read_dataset, table_path
from training.data.spec import TableSpec
from training.data.split import Split, split_rows
from training.data.survey import survey
from training.job import JobSpec


@dataclass(frozen=True, slots=True)
class Parts:
    """`dataset` has natural values at the rows that `split` numbers; the three parts are decoded."""

    dataset: Dataset
    split: Split
    train: Rows
    validation: Rows
    test: Rows


def read_parts(job: JobSpec) -> Parts:
    """Raises InvalidJob and InvalidInput for a source, value or class that cannot be trained on."""
    if isinstance(job.data, TableSpec) and job.data.streamed:
        found = survey(table_path(job.data), job.data, job)
        return Parts(found.dataset, found.split, found.train, found.validation, found.test)
    dataset = read_dataset(job)
    rows = decode(dataset, job)
    split = split_rows(split_keys(dataset, rows, job.outputs), job.split)
    train, validation, test = (rows.take(part) for part in (split.train, split.validation, split.test))
    check_classes(train, rows, job.outputs)
    return Parts(dataset, split, train, validation, test)
