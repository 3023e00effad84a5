"""A column of natural values (one feature, many rows) to one array: where every request form and training meet.

Pure. A column is a sequence of JSON values, image bytes or strings, or a numpy array of whole rows.
"""

import binascii
import math
from base64 import b64decode
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from serving.contract.features import CategoryFeature, Feature, ImageFeature, NumberFeature, TensorFeature, TextFeature
from serving.contract.tensors import NUMPY_DTYPES, Array
from serving.errors import InvalidInput, WrongDtype
from serving.preprocessing.allowance import Allowance, current
from serving.preprocessing.arrays import (
    Locate,
    Shape,
    cast_finite,
    check_range,
    numeric_array,
    string_array,
    surely_finite,
)
from serving.preprocessing.examples import ExampleFeature, check_examples
from serving.preprocessing.images import decode_image, pixels_of


def decode_column(feature: Feature, values: Sequence[object] | Array, locate: Locate) -> Array:
    """One feature's values, one element a row. Raises InvalidInput's family with `locate(row)` as the pointer."""
    if isinstance(values, np.ndarray) and _is_right_as_it_is(feature, values):
        return values
    if isinstance(feature, ImageFeature):
        return _image_column(feature, values, locate)
    if isinstance(feature, NumberFeature) and feature.optional and not isinstance(values, np.ndarray):
        given = np.array([value is not None for value in values], dtype=np.bool_)
        return decode_given(feature, values, given, locate)
    if isinstance(feature, TensorFeature) and feature.pad_value is not None and not isinstance(values, np.ndarray):
        return _column_of_lengths(feature, values, locate)
    return _full_column(feature, values, locate)


def _is_right_as_it_is(feature: Feature, values: Array) -> bool:
    """Whether nothing is left to check or to change: most arrays that callers send are so."""
    return (
        isinstance(feature, TensorFeature)
        and values.dtype == NUMPY_DTYPES[feature.dtype]
        and values.shape[1:] == feature.row_shape
        and surely_finite(values)
    )


def default_of(feature: Feature) -> object:
    """What stands in for an absent value, None for nothing. A manifest holds a number's default as a float; an
    integer feature takes integers only.
    """
    default = getattr(feature, "default", None)
    if isinstance(default, float) and NUMPY_DTYPES[feature.dtype].kind in "iu":
        return int(default)
    return default


def decode_given(
    feature: NumberFeature, values: Sequence[object] | Array, given: NDArray[np.bool_], locate: Locate
) -> Array:
    """An optional feature's column: NaN, here and nowhere else, where nothing is `given`; the rest is checked as ever,
    a NaN among it refused.
    """
    array = np.full(len(values), np.nan, NUMPY_DTYPES[feature.dtype])
    rows = np.flatnonzero(given).tolist()
    if rows:
        present = values[rows] if isinstance(values, np.ndarray) else [values[row] for row in rows]
        array[rows] = _full_column(feature, present, lambda place: locate(rows[place]))
    return array


def _column_of_lengths(feature: TensorFeature, values: Sequence[object], locate: Locate) -> Array:
    """Rows of one length as ever; of several an object array with one array a row, for they are filled up later."""
    groups: dict[int, list[int]] = {}
    depth = feature.shape.index(None)
    for row, value in enumerate(values):
        groups.setdefault(_length_at(value, depth), []).append(row)
    if len(groups) == 1:
        return _full_column(feature, values, locate)
    column: Array = np.empty(len(values), object)
    for rows in groups.values():
        block = _full_column(feature, [values[row] for row in rows], lambda place, rows=rows: locate(rows[place]))  # type: ignore[misc] # bound
        for row, array in zip(rows, block, strict=True):
            column[row] = array
    return column


def _length_at(value: object, depth: int) -> int:
    """How long the lists are at a depth; -1 for what has none there, which the decoding will refuse."""
    for _ in range(depth):
        value = value[0] if isinstance(value, list | tuple) and value else None
    return len(value) if isinstance(value, list | tuple) else -1


def _full_column(feature: Feature, values: Sequence[object] | Array, locate: Locate) -> Array:
    if isinstance(feature, CategoryFeature | TextFeature) or feature.dtype == "string":
        listed = values.tolist() if isinstance(values, np.ndarray) else values
        rows = [_all_opened(value, feature.row_shape, locate(row)) for row, value in enumerate(listed)]
        array = string_array(rows, feature.row_shape, locate)
        if isinstance(feature, ExampleFeature):
            check_examples(array.tolist(), feature.record, locate)
        return array
    array = numeric_array(values, feature.dtype, feature.row_shape, locate, allow_non_finite=feature.allow_non_finite)
    if isinstance(feature, NumberFeature):
        check_range(array, feature.range, feature.unit, locate)
    return array


def decode_full_rows(feature: Feature, values: Array, locate: Locate) -> Array:
    """`decode_column` for finite numbers of the right kind, [rows, *row_shape]."""
    array = cast_finite(values, NUMPY_DTYPES[feature.dtype], locate)
    if isinstance(feature, NumberFeature | ImageFeature) and feature.range is not None:
        unit = feature.unit if isinstance(feature, NumberFeature) else ""
        check_range(array, feature.range, unit, locate)
    return array


def is_base64(value: object) -> bool:
    """TensorFlow Serving's form for bytes in JSON: an object whose one key is `b64`."""
    return isinstance(value, dict) and len(value) == 1 and "b64" in value


def _image_column(feature: ImageFeature, values: Sequence[object] | Array, locate: Locate) -> Array:
    if isinstance(values, np.ndarray) or not any(isinstance(value, bytes | dict) for value in values):
        array = numeric_array(values, feature.dtype, feature.shape, locate, allow_non_finite=feature.allow_non_finite)
    else:
        allowance = current()
        if allowance is not None:
            values = _charged(allowance, feature, values, locate)
        array = np.empty((len(values), *feature.shape), NUMPY_DTYPES[feature.dtype])
        for row, value in enumerate(values):
            if allowance is not None:
                allowance.check_time()
            array[row] = _image_row(feature, value, locate(row))
    check_range(array, feature.range, "", locate)
    return array


def _charged(allowance: Allowance, feature: ImageFeature, values: Sequence[object], locate: Locate) -> Sequence[object]:
    """The values without base64, once their headers say that all may be decoded. From the first that is no image on
    they are left as they are: it is refused in its own turn.
    """
    row_bytes = math.prod(feature.shape) * NUMPY_DTYPES[feature.dtype].itemsize
    allowance.check_bytes(len(values) * row_bytes, locate(0))
    opened: list[object] = []
    for row, value in enumerate(values):
        allowance.check_time()
        try:
            image = _opened(value, "")
            pixels = pixels_of(image) if isinstance(image, bytes) else 0
        except InvalidInput:
            return [*opened, *values[row:]]
        allowance.take_pixels(pixels, locate(row))
        opened.append(image)
    return opened


def _image_row(feature: ImageFeature, value: object, pointer: str) -> Array:
    opened = _opened(value, pointer)
    if isinstance(opened, bytes):
        return decode_image(opened, feature, pointer)
    row: Array = numeric_array(
        [opened], feature.dtype, feature.shape, lambda _: pointer, allow_non_finite=feature.allow_non_finite
    )[0]
    return row


def _all_opened(value: object, shape: Shape, pointer: str) -> object:
    if shape and isinstance(value, list | tuple):
        return [_all_opened(part, shape[1:], f"{pointer}/{index}") for index, part in enumerate(value)]
    return _opened(value, pointer)


def _opened(value: object, pointer: str) -> object:
    if not isinstance(value, dict):
        return value
    if not is_base64(value):
        raise InvalidInput('an object here must be {"b64": "<base64>"}', pointer=pointer)
    text = value["b64"]
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise WrongDtype("the value of `b64` is not base64", pointer=f"{pointer}/b64") from None
