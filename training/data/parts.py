"""A job's rows, read, decoded and split: what every fit begins with."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from serving.contract.tensors import Array
from training.data.dataset import Dataset, Rows, check_classes, decode, split_keys
from training.data.sources import read_dataset
from training.data.split import Keys, Split, split_rows
from training.job import JobSpec
from training.served import decoded_inputs, served_inputs


@dataclass(frozen=True, slots=True)
class Parts:
    """`rows` are all of `dataset`, of which `split` says which part has which; `keys` is what they were split by.

    `served` are the test rows as a caller sends them, and `test` the same as the network sees them.
    """

    dataset: Dataset
    rows: Rows
    keys: Keys
    split: Split
    train: Rows
    validation: Rows
    test: Rows
    served: Mapping[str, Array]


def read_parts(job: JobSpec) -> Parts:
    """Raises InvalidJob where the job and its data disagree, InvalidInput where a value cannot be used."""
    dataset = read_dataset(job)
    rows = decode(dataset, job)
    keys = split_keys(dataset, rows, job.outputs)
    split = split_rows(keys, job.split)
    train, validation, test = (rows.take(part) for part in (split.train, split.validation, split.test))
    check_classes(train, rows, job.outputs)
    served = served_inputs(test.inputs, job.contract_features, job.export)
    # judged on what callers can send: a picture that is no 8-bit one loses what a pixel cannot hold
    test = replace(test, inputs=decoded_inputs(served, job.contract_features, job.export))
    return Parts(dataset, rows, keys, split, train, validation, test, served)
