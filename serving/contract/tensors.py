"""Tensors as the contract names them: element types, the shape of one row, and signatures.

Pure: no TensorFlow types here. Borders (the C API, gRPC) translate to and from these.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.generic]
"""Any numpy array. String tensors are arrays of `object` holding `bytes`."""

NUMPY_DTYPES: Mapping[str, np.dtype[np.generic]] = MappingProxyType(
    {
        "bool": np.dtype(np.bool_),
        "uint8": np.dtype(np.uint8),
        "int32": np.dtype(np.int32),
        "int64": np.dtype(np.int64),
        "float16": np.dtype(np.float16),
        "float32": np.dtype(np.float32),
        "float64": np.dtype(np.float64),
        "string": np.dtype(object),
    }
)
"""The contract's dtype names and what carries them in memory."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output of a signature.

    `row_shape` is the shape of one row, without the leading batch dimension; `None` marks a free dimension.
    """

    name: str
    dtype: str
    row_shape: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """A callable of a SavedModel: named inputs to named outputs, all batch first."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


def shape_matches(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(want in (None, got) for want, got in zip(wanted, shape, strict=True))


def shape_text(shape: tuple[int | None, ...]) -> str:
    """`(8, None)` as `[8, any]`, the way error messages and pages show it."""
    return "[" + ", ".join("any" if size is None else str(size) for size in shape) + "]"
