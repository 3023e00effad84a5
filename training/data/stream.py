"""A table read in pieces: rows that are never all in memory, decoded as whole columns of a piece.

Rows are counted from 0, below the header, as in `table.py`, whose columns and errors these are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute, csv, parquet

from serving.contract.features import CategoryFeature, Feature, NumberFeature
from serving.contract.manifest import Classification
from serving.contract.tensors import Array
from serving.errors import InvalidInput, InvalidJob
from training.data.dataset import Rows, decode_feature, target_values
from training.data.row_hash import part_of
from training.data.spec import TableSpec
from training.data.table import csv_names, csv_options, number_column, text_column, wanted_columns
from training.job import JobSpec

BLOCK_BYTES = 8 * 2**20
"""Of a text file read at once: large enough that Python's share is small, and some hundred thousand rows at most."""
PIECE_ROWS = 65_536
"""Of a Parquet file."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows that follow each other in the file; `numbers` are their places in it."""

    table: pa.Table
    numbers: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Stream:
    """The file of a job whose table is streamed."""

    path: Path
    spec: TableSpec
    job: JobSpec

    def pieces(self) -> Iterator[Piece]:
        """Every row once, in order. Raises InvalidJob where the file cannot be read or lacks a column."""
        first = 0
        try:
            for batch in self._batches():
                yield Piece(pa.Table.from_batches([batch]), np.arange(first, first + batch.num_rows, dtype=np.int64))
                first += batch.num_rows
        except OSError as error:
            raise InvalidJob(f"data.path: {self.path}: {error.strerror or error}") from error
        except pa.ArrowInvalid as error:
            raise InvalidJob(f"data.path: {self.path}: after row {first}: {error}") from error
        if not first:
            raise InvalidJob(f"{self.path} has a header and no rows")

    def part(self, part: int) -> Iterator[Rows]:
        """The rows of one part of the split, decoded, a piece at a time."""
        for piece in self.pieces():
            chosen = part_of(piece.numbers, self.job.split) == part
            if chosen.any():
                yield self.decode(Piece(piece.table.filter(pa.array(chosen)), piece.numbers[chosen]))

    def decode(self, piece: Piece) -> Rows:
        """Raises InvalidInput that names the row and column of a value that cannot be used."""
        inputs = {feature.name: self._column(feature, piece) for feature in self.job.contract_features}
        return Rows(inputs, self._target(piece))

    def _batches(self) -> Iterator[pa.RecordBatch]:
        wanted = list(dict.fromkeys(wanted_columns(self.spec, self.job)))
        if self.path.suffix == ".parquet":
            with parquet.ParquetFile(self.path) as file:
                self._check_columns(file.schema_arrow.names, wanted)
                yield from file.iter_batches(PIECE_ROWS, columns=wanted)
            return
        options = csv_options(self.path, self.spec, BLOCK_BYTES, wanted)
        self._check_columns(csv_names(self.path, options["read_options"], options["parse_options"]), wanted)
        with csv.open_csv(self.path, **options) as file:
            yield from file

    def _check_columns(self, there: list[str], wanted: list[str]) -> None:
        if missing := [name for name in wanted if name not in there]:
            raise InvalidJob(f"{self.path} has no column {', '.join(missing)}; there are: {', '.join(there)}")

    def _column(self, feature: Feature, piece: Piece) -> Array:
        def locate(row: int) -> str:
            return f"/{feature.name}/{piece.numbers[row]}"

        try:
            if isinstance(feature, NumberFeature):
                return decode_feature(feature, self._numbers(piece, feature.name), locate)
            if not isinstance(feature, CategoryFeature):
                return decode_feature(feature, text_column(piece.table, feature.name), locate)
            values, places = _distinct(piece.table, feature.name)  # few of them: each is decoded once
            return decode_feature(feature, values, lambda value: locate(int(np.argmax(places == value))))[places]
        except InvalidInput as error:
            raise InvalidInput(f"{self.path}: {error.pointer}: {error}", pointer=error.pointer) from error

    def _numbers(self, piece: Piece, name: str) -> Array:
        return number_column(piece.table, name, self.path, int(piece.numbers[0]))

    def _target(self, piece: Piece) -> NDArray[np.int64] | NDArray[np.float32]:
        name, outputs = self.spec.target, self.job.outputs
        if piece.table.column(name).null_count:
            row = piece.numbers[int(np.argmax(piece.table.column(name).is_null().to_numpy()))]
            raise InvalidInput(f"{self.path}: row {row}: the target {name} has no value", pointer=f"/{name}/{row}")
        if not isinstance(outputs, Classification):
            return target_values(self._numbers(piece, name), outputs)
        labels, places = _distinct(piece.table, name)
        if unknown := sorted(set(labels.tolist()) - set(outputs.labels)):
            raise InvalidJob(f"outputs.labels: the data also has {', '.join(unknown)}; add them")
        return np.array([outputs.labels.index(label) for label in labels], dtype=np.int64)[places]


def _distinct(table: pa.Table, name: str) -> tuple[Array, NDArray[np.int64]]:
    """The values of a text column, str or None, and for each row the place of its own among them."""
    column = compute.cast(table.column(name), pa.string()).combine_chunks()
    encoded = column.dictionary_encode(null_encoding="encode")
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    return np.array(encoded.dictionary.to_pylist(), dtype=object), encoded.indices.to_numpy().astype(np.int64)
