"""Natural inputs to the `instances` of a request: what is one row, what is many, and what stands for a file.

Pure: files are read by a function the caller hands in. The checking of values is the gateway's, which knows more.

One or many. A record (a mapping), the bytes of an image, a path and a PIL image are one row each. Anything else is
one row when it is nested no deeper than the shape of the model's one feature: 8 lists of 8 numbers are one 8 x 8
image, a list of such is many. A model with several features takes records, so there every list is many rows.
A string is a path where the feature is an image, and a value elsewhere; a `pathlib.Path` is always a path.
An array for a model of several numbers has them in the manifest's order: of one dimension it is one row. A pandas
frame is many records, and a series one where its labels are features; else its values are a row each.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from os import PathLike
from typing import Any, TypeAlias

from penstock_client.errors import OutOfRange, WrongDtype
from penstock_client.frames import FrameRows, is_frame, is_series, record_or_values
from penstock_client.metadata import Feature

ReadFile: TypeAlias = Callable[[str | PathLike[str]], bytes]

_BYTES = (bytes, bytearray, memoryview)


@dataclass(frozen=True, slots=True)
class Rows:
    """`many` says whether the caller gave a collection, and so wants a list back, even of one."""

    instances: Sequence[Any]
    many: bool


def split_rows(inputs: Any, features: Sequence[Feature]) -> Rows:
    if is_frame(inputs):
        return Rows(FrameRows(inputs), many=True)
    if is_series(inputs):
        inputs = record_or_values(inputs, [feature.name for feature in features])
    images = frozenset(feature.name for feature in features if feature.kind == "image")
    sole = features[0] if len(features) == 1 else None
    row_depth = len(sole.shape) if sole else int(_is_array_of_numbers(inputs, features))
    strings_are_files = sole is not None and bool(images)
    empty = _is_list(inputs) and not inputs
    many = empty or _nesting(inputs, row_depth, strings_are_files=strings_are_files) > row_depth
    rows = inputs if many else [inputs]
    if images and _is_list(rows):
        rows = [_with_files(row, images, strings_are_files=strings_are_files) for row in rows]
    return Rows(instances=rows, many=many)


def render_instances(rows: Rows, read_file: ReadFile) -> bytes:
    """The body of a predict call. Raises WrongDtype for what JSON cannot carry, OutOfRange for NaN and infinity."""

    def plain(value: Any) -> Any:
        if isinstance(value, _File):
            return _base64(read_file(value.path))
        if isinstance(value, PathLike):
            return _base64(read_file(value))
        return _plain(value)

    try:
        text = json.dumps({"instances": rows.instances}, default=plain, allow_nan=False, separators=(",", ":"))
    except ValueError as error:
        raise OutOfRange(f"the inputs hold NaN or infinity, which JSON cannot carry ({error})") from error
    return text.encode()


@dataclass(frozen=True, slots=True)
class _File:
    """A string that stands for a file, marked so until the body is rendered."""

    path: str


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, *_BYTES))


def _is_array_of_numbers(value: Any, features: Sequence[Feature]) -> bool:
    """An array for a model of several numbers, of which a row has one a feature, in the manifest's order."""
    return hasattr(value, "dtype") and hasattr(value, "shape") and all(each.kind == "number" for each in features)


def _nesting(value: Any, row_depth: int, *, strings_are_files: bool) -> int:
    if isinstance(value, (Mapping, PathLike, *_BYTES)) or _is_pil_image(value):
        return row_depth
    if isinstance(value, str):
        return row_depth if strings_are_files else 0
    shape = getattr(value, "shape", None)
    if shape is not None:
        return len(shape)
    if _is_list(value):
        return 1 + (_nesting(value[0], row_depth, strings_are_files=strings_are_files) if value else 0)
    return 0


def _with_files(row: Any, images: frozenset[str], *, strings_are_files: bool) -> Any:
    if isinstance(row, str) and strings_are_files:
        return _File(row)
    if isinstance(row, Mapping):
        return {
            name: _File(value) if name in images and isinstance(value, str) else value for name, value in row.items()
        }
    return row


def _plain(value: Any) -> Any:
    """What the json module asks for when it meets something it does not know; arrays are known by their methods."""
    if isinstance(value, _BYTES):
        return _base64(bytes(value))
    if isinstance(value, Mapping):
        return dict(value)
    if _is_pil_image(value):
        return _base64(_png(value))
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "__array__"):
        return value.__array__().tolist()
    if _is_list(value):
        return list(value)
    raise WrongDtype(
        f"a {type(value).__name__} cannot be sent; send numbers, strings, lists, arrays, records, paths or image bytes"
    )


def _base64(data: bytes) -> dict[str, str]:
    """TensorFlow Serving's form for bytes in JSON."""
    return {"b64": b64encode(data).decode("ascii")}


def _is_pil_image(value: Any) -> bool:
    return hasattr(value, "getbands") and hasattr(value, "save")


def _png(image: Any) -> bytes:
    buffer = BytesIO()
    try:
        image.save(buffer, format="PNG")
    except OSError as error:  # Pillow's word for a mode PNG has no room for, such as CMYK
        raise WrongDtype(f"{error}; convert the image to RGB or L first") from error
    return buffer.getvalue()


def encoded_image(value: Any, read_file: ReadFile) -> bytes | None:
    """The bytes of an image that is given as a file, as bytes or as PIL's; None for anything else."""
    if isinstance(value, _File):
        return read_file(value.path)
    if isinstance(value, PathLike):
        return read_file(value)
    if isinstance(value, _BYTES):
        return bytes(value)
    return _png(value) if _is_pil_image(value) else None
