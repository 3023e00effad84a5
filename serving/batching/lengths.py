"""Rows of different lengths brought to a common one, so that they may share a batch, and answers cut back to their own.

Pure. Rows are filled up at their end with the manifest's pad value, never with data, to the next length that batches
have: a power of two unless the manifest or the settings say which. A mask input says which values are a row's own.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from serving.backend_protocol import Arrays
from serving.contract.features import Feature, TensorFeature
from serving.contract.tensors import NUMPY_DTYPES, Array, Signature
from serving.errors import PayloadTooLarge


class Filled(NamedTuple):
    """`own`: by each length that rows were brought to, the length of the longest. `padding`: how many values are none
    of the caller's.
    """

    inputs: dict[str, Array]
    own: Mapping[int, int]
    padding: int


@dataclass(frozen=True, slots=True)
class LengthRules:
    """What one signature's inputs are filled up by: `axes` says which dimension of an output is free, rows being 0."""

    padded: tuple[TensorFeature, ...]
    masks: tuple[TensorFeature, ...]
    axes: Mapping[str, tuple[int, ...]]
    lengths: tuple[int, ...]
    """Rising; empty stands for the powers of two."""

    def length_for(self, own: int) -> int:
        """What rows of length `own` are brought to. Past the longest of given lengths they stay as they are."""
        if not self.lengths:
            return 1 << max(0, own - 1).bit_length()
        place = bisect_left(self.lengths, own)
        return self.lengths[place] if place < len(self.lengths) else own

    def filled(self, inputs: Arrays, max_bytes: int) -> Filled:
        """`inputs` with the masks among them. A column of rows that differ in length is an object array of their
        arrays. Raises PayloadTooLarge before anything past `max_bytes` is made: one long row makes all of them long.
        """
        made, own, padding = dict(inputs), dict[int, int](), 0
        masks = {mask.mask_of: mask for mask in self.masks}
        for feature in self.padded:
            column = inputs[feature.name]
            lengths = _lengths(column, feature.shape.index(None))
            longest = max(lengths)
            length = self.length_for(longest)
            shape = (len(lengths), *(length if size is None else size for size in feature.shape))
            _check_bytes(math.prod(shape) * NUMPY_DTYPES[feature.dtype].itemsize, max_bytes)
            made[feature.name] = _filled_up(feature, column, shape)
            padding += (length * len(lengths) - sum(lengths)) * math.prod(size or 1 for size in feature.shape)
            own.setdefault(length, longest)
            if feature.name in masks:
                mask = masks[feature.name]
                made[mask.name] = _mask(lengths, length, NUMPY_DTYPES[mask.dtype])
        return Filled(made, own, padding)

    def cut(self, outputs: Arrays, own: Mapping[int, int]) -> dict[str, Array]:
        """Outputs whose free dimension has become as long as the rows were made, back at the rows' own length."""
        return {
            name: _cut(array, self.axes[name], own) if name in self.axes else array for name, array in outputs.items()
        }


def length_rules(features: Sequence[Feature], signature: Signature, lengths: Sequence[int] = ()) -> LengthRules | None:
    """None where no feature says what it may be filled up with. `lengths` go before the manifest's."""
    tensors = [feature for feature in features if isinstance(feature, TensorFeature)]
    padded = tuple(feature for feature in tensors if feature.pad_value is not None)
    if not padded:
        return None
    axes = {
        spec.name: tuple(axis for axis, size in enumerate(spec.row_shape, 1) if size is None)
        for spec in signature.outputs
    }
    given = tuple(lengths) or next((feature.lengths for feature in padded if feature.lengths), ())
    masks = tuple(feature for feature in tensors if feature.mask_of is not None)
    return LengthRules(padded, masks, {name: found for name, found in axes.items() if found}, given)


def _lengths(column: Array, axis: int) -> Sequence[int]:
    """Of each row. Rows that differ come as one array each, in a column of one dimension."""
    if column.ndim > 1:
        return [column.shape[1 + axis]] * len(column)
    return [row.shape[axis] for row in column.tolist()]


def _filled_up(feature: TensorFeature, column: Array, shape: tuple[int, ...]) -> Array:
    if column.shape == shape:
        return column
    pad = feature.pad_value.encode() if isinstance(feature.pad_value, str) else feature.pad_value
    whole: Array = np.full(shape, pad, NUMPY_DTYPES[feature.dtype])
    if column.ndim == len(shape):
        whole[tuple(slice(size) for size in column.shape)] = column
    else:
        for place, row in enumerate(column.tolist()):
            whole[place][tuple(slice(size) for size in row.shape)] = row
    return whole


def _mask(lengths: Sequence[int], length: int, dtype: np.dtype[np.generic]) -> Array:
    own = np.arange(length) < np.array(lengths)[:, None]
    return own.astype(dtype)


def _cut(array: Array, axes: Sequence[int], own: Mapping[int, int]) -> Array:
    places = [slice(None)] * array.ndim
    for axis in axes:
        if axis < array.ndim:
            places[axis] = slice(own.get(array.shape[axis]))
    return array[tuple(places)]


def _check_bytes(nbytes: int, max_bytes: int) -> None:
    if nbytes > max_bytes:
        raise PayloadTooLarge(
            f"{nbytes} bytes once every row is as long as the longest; at most {max_bytes} are queued. "
            "Send long rows by themselves"
        )
