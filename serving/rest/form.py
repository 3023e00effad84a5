"""`multipart/form-data`: one part a feature, as browsers and `curl -F` send them; parts of one name are rows.

Pure: the body is in hand. A file's bytes are an image's, a field's text is a cell as CSV has it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from serving.contract.features import Feature, ImageFeature
from serving.contract.tensors import Array
from serving.errors import InvalidInput, MissingField, PayloadTooLarge, WrongShape
from serving.preprocessing.arrays import pointer_token
from serving.preprocessing.cells import decode_cells
from serving.preprocessing.columns import decode_column
from serving.preprocessing.records import unknown_field

MAX_PARTS = 1000
Parts = Mapping[str, Sequence[bytes]]


def read_parts(content_type: bytes, body: bytes) -> Parts:
    """The bytes of every part by name, in order. Raises InvalidInput for what is no form."""
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise InvalidInput("the Content-Type multipart/form-data names no boundary")
    form = _Form()
    try:
        parser = MultipartParser(boundary, form.callbacks)  # type: ignore[arg-type] # a mapping of bound methods
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise InvalidInput("the body is not multipart/form-data with that boundary") from error
    if not form.ended:
        raise InvalidInput("the form's last part is cut short")
    return form.parts


class _Form:
    """Puts together what the parser says in pieces."""

    def __init__(self) -> None:
        self.parts: defaultdict[str, list[bytes]] = defaultdict(list)
        self.ended = False
        self.callbacks = {
            "on_part_begin": self._begin,
            "on_header_field": self._field,
            "on_header_value": self._value,
            "on_header_end": self._header,
            "on_part_data": self._data,
            "on_part_end": self._part,
            "on_end": self._end,
        }
        self._count = 0
        self._header_name, self._header_value = bytearray(), bytearray()
        self._disposition, self._content = b"", bytearray()

    def _begin(self) -> None:
        self._count += 1
        if self._count > MAX_PARTS:
            raise PayloadTooLarge(f"a form of more than {MAX_PARTS} parts; send the rows as NDJSON or CSV")
        self._disposition, self._content = b"", bytearray()

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _header(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = bytes(self._header_value)
        self._header_name, self._header_value = bytearray(), bytearray()

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._content += data[start:end]

    def _part(self) -> None:
        name = parse_options_header(self._disposition)[1].get(b"name")
        if name is None:
            raise InvalidInput("a part of the form has no name")
        self.parts[name.decode("utf-8", "replace")].append(bytes(self._content))

    def _end(self) -> None:
        self.ended = True


def decode_parts(parts: Parts, features: Sequence[Feature]) -> dict[str, Array]:
    """One array a feature; a part of a name that is no feature's will do for a model of one feature.

    Raises InvalidInput's family, the pointer being `/{feature}/{row}`.
    """
    names = {feature.name for feature in features}
    if len(features) == 1 and len(parts) == 1:
        parts = dict.fromkeys(names, next(iter(parts.values())))
    rows = max(map(len, parts.values()), default=0)
    if not rows:
        raise InvalidInput("the form has no parts")
    for name, values in parts.items():
        if name not in names:
            raise unknown_field(name, names, f"/{pointer_token(name[:64])}")
        if len(values) != rows:
            raise WrongShape(f"{len(values)} parts where another feature has {rows}", pointer=f"/{pointer_token(name)}")
    return {feature.name: _column(feature, parts.get(feature.name), rows) for feature in features}


def _column(feature: Feature, values: Sequence[bytes] | None, rows: int) -> Array:
    pointer = f"/{pointer_token(feature.name)}"
    if isinstance(feature, ImageFeature):
        if values is None:
            raise MissingField(f"the form has no part `{feature.name}`", pointer=pointer)
        return decode_column(feature, values, lambda row: f"{pointer}/{row}")
    cells = [text_of(value, f"{pointer}/{row}") for row, value in enumerate(values or [b""] * rows)]
    return decode_cells(feature, cells, lambda row: f"{pointer}/{row}")


def text_of(value: bytes, pointer: str) -> str:
    """UTF-8 as text; raises InvalidInput."""
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput("bytes that are not UTF-8", pointer=pointer) from error
