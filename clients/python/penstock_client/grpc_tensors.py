"""One feature's values, one a row, as a tensor of the Open Inference Protocol: raw, little-endian, row-major.

Pure. Arrays are taken as they lie in memory; of lists every number is looked at once. What no tensor can say is
refused here, in the words and at the places that the gateway uses for JSON; all else is the gateway's to judge.
"""

import struct
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType
from typing import Any, TypeAlias

from penstock_client.errors import InvalidInput, OutOfRange, WrongDtype, WrongShape
from penstock_client.inputs import ReadFile, encoded_image
from penstock_client.metadata import Feature

Locate: TypeAlias = Callable[[int], str]
"""A row's number to the JSON pointer of its value."""


@dataclass(frozen=True, slots=True)
class Tensor:
    name: str
    datatype: str
    shape: Sequence[int]
    raw: bytes


@dataclass(frozen=True, slots=True)
class _Numbers:
    """The Python types that may stand where such numbers are expected, and how they travel."""

    types: frozenset[type]
    called: str
    datatype: str
    code: str


_FLOATS = _Numbers(frozenset({int, float}), "a number", "FP32", "f")
_DOUBLES = _Numbers(frozenset({int, float}), "a number", "FP64", "d")
_INTEGERS = _Numbers(frozenset({int}), "an integer", "INT64", "q")
_BOOLEANS = _Numbers(frozenset({bool}), "true or false", "BOOL", "?")
_NUMBERS: Mapping[str, _Numbers] = MappingProxyType(
    {
        "float32": _FLOATS,
        "DT_FLOAT": _FLOATS,
        "float16": _FLOATS,
        "DT_HALF": _FLOATS,
        "float64": _DOUBLES,
        "DT_DOUBLE": _DOUBLES,
        "int64": _INTEGERS,
        "DT_INT64": _INTEGERS,
        "int32": _INTEGERS,
        "DT_INT32": _INTEGERS,
        "uint8": _INTEGERS,
        "DT_UINT8": _INTEGERS,
        "bool": _BOOLEANS,
        "DT_BOOL": _BOOLEANS,
    }
)
"""By a feature's dtype, in a manifest's words and in TensorFlow's."""

_ARRAYS: Mapping[str, str] = MappingProxyType(
    {
        "b1": "BOOL",
        "u1": "UINT8",
        "u2": "UINT16",
        "u4": "UINT32",
        "u8": "UINT64",
        "i1": "INT8",
        "i2": "INT16",
        "i4": "INT32",
        "i8": "INT64",
        "f2": "FP16",
        "f4": "FP32",
        "f8": "FP64",
    }
)
"""The datatype of an array by its `dtype.str` after the byte order, as numpy writes it."""

_JSON_NAMES: Mapping[type, str] = MappingProxyType(
    {
        str: "a string",
        int: "a number",
        float: "a number",
        bool: "true or false",
        type(None): "null",
        dict: "an object",
        list: "a list",
        tuple: "a list",
    }
)


def tensor_of(feature: Feature, values: Any, locate: Locate, read_file: ReadFile) -> Tensor:
    """`values` is a sequence of rows or one array of them. Raises InvalidInput's family."""
    scalars = _scalars(feature, values, locate)
    if scalars is not None:
        return scalars
    if feature.dtype in ("string", "DT_STRING"):
        return _strings(feature, values, locate)
    array = _array_tensor(feature.name, values)
    if array is not None:
        return array
    if feature.kind == "image":
        images = [encoded_image(value, read_file) for value in map(_opened, values)]
        encoded = [image for image in images if image is not None]
        if len(encoded) == len(images):
            return Tensor(feature.name, "BYTES", (len(encoded),), _lengths_and_bytes(encoded))
        if encoded:
            row = next(row for row, image in enumerate(images) if (image is None) != (images[0] is None))
            raise WrongDtype("pixels and image files in one call, which gRPC cannot carry; send either alone",
                             field=locate(row))  # fmt: skip
    return _numbers(feature, values, locate)


def guessed_tensor(name: str, values: Sequence[Any]) -> Tensor:
    """Of a name that the expected version has no feature for: another version may have come that has one."""
    if all(type(value) in _FLOATS.types for value in values):
        return Tensor(name, "FP64", (len(values),), struct.pack(f"<{len(values)}d", *values))
    return Tensor(name, "BYTES", (len(values),), _lengths_and_bytes([_guessed_bytes(value) for value in values]))


def _guessed_bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _scalars(feature: Feature, values: Any, locate: Locate) -> Tensor | None:
    """Python's own numbers, one a row, as records have them; None for anything else."""
    numbers = _NUMBERS.get(feature.dtype)
    if numbers is None or feature.shape or type(values) is not list or not set(map(type, values)) <= numbers.types:
        return None
    raw = _packed(numbers, values, locate, len(values), feature.dtype)
    return Tensor(feature.name, numbers.datatype, (len(values),), raw)


def _array_tensor(name: str, values: Any) -> Tensor | None:
    """An array of numbers, or rows that are arrays of one dtype and shape; None for anything else."""
    if hasattr(values, "__array__") and not hasattr(values, "tobytes"):
        values = values.__array__()
    if hasattr(values, "tobytes"):
        datatype = _datatype_of(values)
        return Tensor(name, datatype, tuple(values.shape), _raw(values)) if datatype and values.shape else None
    if not all(hasattr(row, "tobytes") for row in values):
        return None
    kinds = {(_datatype_of(row), getattr(row, "shape", None)) for row in values}
    if len(kinds) != 1:
        return None
    ((datatype, shape),) = kinds
    return (
        Tensor(name, datatype, (len(values), *shape), b"".join(map(_raw, values)))
        if datatype and shape is not None
        else None
    )


def _datatype_of(array: Any) -> str | None:
    return _ARRAYS.get(getattr(getattr(array, "dtype", None), "str", "?")[1:])


def _raw(array: Any) -> bytes:
    """Row-major whatever the array's own order is."""
    raw: bytes = (array.byteswap() if array.dtype.str[0] == ">" else array).tobytes()
    return raw


def _numbers(feature: Feature, values: Any, locate: Locate) -> Tensor:
    numbers = _NUMBERS.get(feature.dtype)
    if numbers is None:
        raise WrongDtype(f"the dtype {feature.dtype} of {feature.name} cannot be sent over gRPC")
    values = [_plain(value) for value in values]
    depth = len(feature.shape)
    leaves, shape = _flattened(values, depth) if depth else (values, (len(values),))
    if leaves is None or not set(map(type, leaves)) <= numbers.types:
        raise _misfit(values, feature.shape, locate, numbers)
    return Tensor(feature.name, numbers.datatype, shape, _packed(numbers, leaves, locate, len(values), feature.dtype))


def _packed(numbers: _Numbers, leaves: Sequence[Any], locate: Locate, rows: int, dtype: str) -> bytes:
    try:
        return struct.pack(f"<{len(leaves)}{numbers.code}", *leaves)
    except (OverflowError, struct.error) as error:
        width = max(1, len(leaves) // max(1, rows))
        row = next(row for row in range(rows) if not _fits(numbers.code, leaves[row * width : (row + 1) * width]))
        raise OutOfRange(f"NaN, infinity or a number too large for {dtype}", field=locate(row)) from error


def _fits(code: str, leaves: Sequence[Any]) -> bool:
    try:
        struct.pack(f"<{len(leaves)}{code}", *leaves)
    except (OverflowError, struct.error):
        return False
    return True


def _flattened(values: Sequence[Any], depth: int) -> tuple[list[Any] | None, tuple[int, ...]]:
    """The leaves `depth` lists below the rows, and the shape; no leaves where the lists differ in length."""
    level: list[Any] = list(values)
    shape = [len(level)]
    for _ in range(depth):
        if not all(isinstance(part, (list, tuple)) for part in level):
            return None, ()
        sizes = set(map(len, level))
        if len(sizes) != 1:
            return None, ()
        shape += sizes
        level = list(chain.from_iterable(level))
    return level, tuple(shape)


def _misfit(values: Sequence[Any], shape: tuple[int | None, ...], locate: Locate, numbers: _Numbers) -> InvalidInput:
    """The first thing wrong, in row order."""
    for row, value in enumerate(values):
        found = _wrong_at(value, shape, locate(row), numbers)
        if found is not None:
            return found
    return WrongShape("rows of several lengths, which one tensor cannot carry; send each length in a call of its own",
                      field=locate(0))  # fmt: skip


def _wrong_at(value: Any, shape: tuple[int | None, ...], pointer: str, numbers: _Numbers) -> InvalidInput | None:
    if isinstance(value, (list, tuple)):
        if not shape:
            return WrongShape(f"a list where {numbers.called} is expected", field=pointer)
        if shape[0] is not None and len(value) != shape[0]:
            return WrongShape(f"{len(value)} values where {shape[0]} are expected", field=pointer)
        parts = (_wrong_at(part, shape[1:], f"{pointer}/{index}", numbers) for index, part in enumerate(value))
        return next((part for part in parts if part is not None), None)
    wanted = f"a list of shape {_shape_text(shape)}" if shape else numbers.called
    if type(value) not in numbers.types:
        return WrongDtype(f"{_json_name(value)} where {wanted} is expected", field=pointer)
    return WrongShape(f"{_json_name(value)} where {wanted} is expected", field=pointer) if shape else None


def _strings(feature: Feature, values: Any, locate: Locate) -> Tensor:
    rows = [_plain(value) for value in values]
    leaves, shape = _flattened(rows, len(feature.shape))
    if leaves is None:
        raise WrongShape(f"rows that are not lists of one shape; {_shape_text(feature.shape)} is expected",
                         field=locate(0))  # fmt: skip
    width = max(1, len(leaves) // max(1, len(rows)))
    encoded = []
    for index, leaf in enumerate(map(_opened, leaves)):
        if not isinstance(leaf, (str, bytes)):
            raise WrongDtype(f"{_json_name(leaf)} where a string is expected", field=locate(index // width))
        encoded.append(leaf.encode() if isinstance(leaf, str) else leaf)
    return Tensor(feature.name, "BYTES", shape, _lengths_and_bytes(encoded))


def _lengths_and_bytes(values: Sequence[bytes]) -> bytes:
    return b"".join(part for value in values for part in (len(value).to_bytes(4, "little"), value))


def _opened(value: Any) -> Any:
    """TensorFlow Serving's form for bytes in JSON is understood here too."""
    if isinstance(value, Mapping) and value.keys() == {"b64"}:
        try:
            return b64decode(value["b64"], validate=True)
        except (TypeError, ValueError) as error:
            raise WrongDtype("the value of `b64` is not base64") from error
    return value


def _plain(value: Any) -> Any:
    """Lists and Python's own numbers in place of arrays and numpy's."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return value.__array__().tolist() if hasattr(value, "__array__") else value


def _json_name(value: Any) -> str:
    return _JSON_NAMES.get(type(value), f"a value of type {type(value).__name__}")


def _shape_text(shape: tuple[int | None, ...]) -> str:
    return "[" + ", ".join("any" if size is None else str(size) for size in shape) + "]"
