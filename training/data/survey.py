"""The first pass over a streamed table: every value checked, rows counted, and a sample of them kept."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from serving.contract.features import NumberFeature
from serving.contract.manifest import Classification
from serving.errors import InvalidJob
from training.data.dataset import Dataset, Rows
from training.data.row_hash import PARTS, TEST, TRAIN, VALIDATION, part_of, uniform
from training.data.spec import TableSpec
from training.data.split import Split
from training.data.stream import Piece, Stream
from training.data.table import number_column, text_column
from training.job import JobSpec

SAMPLE_SEED = 1
"""Added to the split's, so that which rows are kept has nothing to do with the part they are in."""


@dataclass(frozen=True, slots=True)
class StreamedRows(Rows):
    """One part of the split, of `total` rows, all of which only `stream` has; the arrays here are a sample of them."""

    stream: Stream
    part: int
    rows: int

    @property
    def total(self) -> int:
        return self.rows


@dataclass(frozen=True, slots=True)
class CountedSplit(Split):
    """Of a streamed table: `test` numbers the rows of the sample kept, `rows` counts each part's in the file."""

    rows: Mapping[str, int]

    def counts(self) -> dict[str, int]:
        return dict(self.rows)


@dataclass(frozen=True, slots=True)
class Survey:
    """What the pass has found. `dataset` has the natural values of the test rows that were kept."""

    dataset: Dataset
    split: CountedSplit
    train: StreamedRows
    validation: StreamedRows
    test: StreamedRows


@dataclass
class Sample:
    """The `most` rows with the least hashes of those seen so far: a uniform sample, whatever their order."""

    most: int
    seed: int
    pieces: list[Piece] = field(default_factory=list)
    kept: int = 0
    least_left_out: float = 1.0

    def add(self, piece: Piece) -> None:
        chosen = uniform(piece.numbers, self.seed) < self.least_left_out
        self.pieces.append(Piece(piece.table.filter(pa.array(chosen)), piece.numbers[chosen]))
        self.kept += int(chosen.sum())
        if self.kept > 2 * self.most:
            self.pieces = [self.rows()]
            self.kept = self.most

    def rows(self) -> Piece:
        """In the file's order."""
        numbers = np.concatenate([piece.numbers for piece in self.pieces])
        table = pa.concat_tables([piece.table for piece in self.pieces])
        if len(numbers) <= self.most:
            return Piece(table, numbers)
        drawn = uniform(numbers, self.seed)
        self.least_left_out = float(np.partition(drawn, self.most)[self.most])
        chosen = drawn < self.least_left_out
        # taken, not filtered: a filter of strings may keep the buffers of what it leaves out
        return Piece(table.take(pa.array(np.flatnonzero(chosen))).combine_chunks(), numbers[chosen])


def survey(path: Path, spec: TableSpec, job: JobSpec) -> Survey:
    """Raises InvalidJob and InvalidInput as reading the table whole would, and for a part without a row."""
    _refuse(spec, job)
    stream = Stream(path, spec, job)
    kept = {part: Sample(spec.sample_rows, job.split.seed + SAMPLE_SEED) for part in (TRAIN, TEST)}
    counts, classes = np.zeros(len(PARTS), np.int64), np.zeros(_classes(job), np.int64)
    for piece in stream.pieces():
        rows, parts = stream.decode(piece), part_of(piece.numbers, job.split)
        counts += np.bincount(parts, minlength=len(PARTS))
        if isinstance(job.outputs, Classification):
            classes += np.bincount(rows.target[parts == TRAIN], minlength=len(classes))
        for part, sample in kept.items():
            chosen = parts == part
            sample.add(Piece(piece.table.filter(pa.array(chosen)), piece.numbers[chosen]))
    _check(counts, classes, job)
    train, test = kept[TRAIN].rows(), kept[TEST].rows()
    part_rows = dict(zip(PARTS, counts.tolist(), strict=True))
    seen, measured = stream.decode(train), stream.decode(test)
    return Survey(
        dataset=_natural(stream, test),
        split=CountedSplit(train.numbers[:0], train.numbers[:0], np.arange(len(measured)), part_rows),
        train=StreamedRows(seen.inputs, seen.target, stream, TRAIN, part_rows["train"]),
        validation=StreamedRows({}, seen.target[:0], stream, VALIDATION, part_rows["validation"]),
        test=StreamedRows(measured.inputs, measured.target, stream, TEST, part_rows["test"]),
    )


def _refuse(spec: TableSpec, job: JobSpec) -> None:
    if job.split.by != "class" or job.split.folds:
        raise InvalidJob("split: a streamed table is split by a hash of its row numbers; leave out by and folds")
    if spec.only_listed_labels:
        raise InvalidJob("data.only_listed_labels: a streamed table is read as it is; leave it out")


def _classes(job: JobSpec) -> int:
    return len(job.outputs.labels) if isinstance(job.outputs, Classification) else 0


def _check(counts: NDArray[np.int64], classes: NDArray[np.int64], job: JobSpec) -> None:
    if not counts.all():
        raise InvalidJob(f"split: {counts.sum()} rows are too few: none is left for {PARTS[int(np.argmin(counts))]}")
    if isinstance(job.outputs, Classification) and not classes.all():
        label = job.outputs.labels[int(np.argmin(classes))]
        raise InvalidJob(f"outputs.labels: no training row of the data is {label}")


def _natural(stream: Stream, test: Piece) -> Dataset:
    columns = {
        feature.name: number_column(test.table, feature.name, stream.path)
        if isinstance(feature, NumberFeature)
        else text_column(test.table, feature.name)
        for feature in stream.job.features
    }
    with stream.path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    target = text_column(test.table, stream.spec.target)
    return Dataset(source=f"table {stream.path.name}, streamed", columns=columns, target=target, digest=digest)
