"""Features: what a caller sends, in the caller's own terms (a number with a unit, a category, an image).

Pure data; `serving/preprocessing` turns natural values into arrays by these.
"""

from collections.abc import Sequence
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

Dtype = Literal["bool", "uint8", "int32", "int64", "float16", "float32", "float64", "string"]


NonFinite = Annotated[bool, Field(exclude=True)]
"""Whether NaN and infinity are taken as numbers. Said by the gateway's settings; manifests are written without it."""


class Fact(BaseModel):
    """A frozen piece of a parsed file; unknown keys are refused, so that a typing error is never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _check_numeric(dtype: str, limits: tuple[float, float] | None) -> None:
    if dtype in ("bool", "string"):
        raise ValueError(f"dtype {dtype} holds no numbers")
    if limits and limits[0] > limits[1]:
        raise ValueError(f"range goes down, from {limits[0]:g} to {limits[1]:g}")


def _check_pad_value(dtype: str, value: float | str) -> None:
    kinds = (str,) if dtype == "string" else (bool,) if dtype == "bool" else (int,) if "int" in dtype else (int, float)
    if type(value) not in kinds:
        raise ValueError(f"pad_value {value!r} is no {dtype}")


class NumberFeature(Fact):
    """One number per row. `range` is inclusive; values outside are refused. `default` stands in when absent.

    An absent value of an `optional` feature reaches the graph as NaN, and the graph puts in what it learned.
    """

    kind: Literal["number"] = "number"
    name: str
    dtype: Dtype = "float32"
    unit: str = ""
    description: str = ""
    range: tuple[float, float] | None = None
    default: float | None = None
    optional: bool = False
    allow_non_finite: NonFinite = False

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        _check_numeric(self.dtype, self.range)
        if self.optional and "float" not in self.dtype:
            raise ValueError(f"optional, but {self.dtype} has no NaN to say that a value is absent")
        if self.optional and self.default is not None:
            raise ValueError("optional and default are two answers to an absent value; keep one")
        if self.default is not None:
            if self.range and not self.range[0] <= self.default <= self.range[1]:
                raise ValueError(f"default {self.default:g} is outside the range")
            if "int" in self.dtype and not self.default.is_integer():
                raise ValueError(f"default {self.default:g} is no {self.dtype}")
        return self

    @property
    def row_shape(self) -> tuple[int | None, ...]:
        return ()


class CategoryFeature(Fact):
    """One of a set of strings. A value outside `vocabulary` goes to the graph's own bucket for the unknown."""

    kind: Literal["category"] = "category"
    name: str
    dtype: Literal["string"] = "string"
    description: str = ""
    vocabulary: tuple[str, ...] = ()
    default: str | None = None

    @property
    def row_shape(self) -> tuple[int | None, ...]:
        return ()


class TextFeature(Fact):
    """Free text, UTF-8; tokenised inside the graph."""

    kind: Literal["text"] = "text"
    name: str
    dtype: Literal["string"] = "string"
    description: str = ""
    default: str | None = None

    @property
    def row_shape(self) -> tuple[int | None, ...]:
        return ()


class ImageDecoding(Fact):
    """How image bytes become pixels: made grey or RGB as the shape asks, resized, then `pixel * scale + offset`.

    `scale` and `offset` take 8-bit pixels (0-255) to the units the model was trained in.
    """

    resample: Literal["nearest", "bilinear", "bicubic", "box", "lanczos"] = "bilinear"
    scale: float = 1.0
    offset: float = 0.0


class ImageFeature(Fact):
    """An image: PNG or JPEG bytes, or its pixels as nested lists in the model's own units.

    `shape` is `[height, width]` or `[height, width, 1]` for grey, `[height, width, 3]` for RGB.
    """

    kind: Literal["image"] = "image"
    name: str
    dtype: Dtype = "float32"
    shape: tuple[int, ...] = Field(min_length=2, max_length=3)
    description: str = ""
    range: tuple[float, float] | None = None
    decoding: ImageDecoding = ImageDecoding()
    allow_non_finite: NonFinite = False

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        _check_numeric(self.dtype, self.range)
        if self.shape[2:] not in {(), (1,), (3,)}:
            raise ValueError(f"an image has one value a pixel or three, not {self.shape[2]}")
        if "int" in self.dtype and (self.decoding.scale, self.decoding.offset) != (1.0, 0.0):
            raise ValueError(f"decoding.scale and offset make fractions, which {self.dtype} cannot hold")
        return self

    @property
    def row_shape(self) -> tuple[int | None, ...]:
        return self.shape

    @property
    def is_grey(self) -> bool:
        return self.shape[2:] != (3,)


class TensorFeature(Fact):
    """A raw tensor of fixed or partly free shape, for models that have nothing more natural to say.

    With a `pad_value` rows of different lengths may share a batch: the one free dimension is filled up with it at its
    end, to one of `lengths` (rising) or to a power of two. A feature that is `mask_of` another is no caller's to send:
    it is made beside that one, [length], 1 where a value is the row's own and 0 where it was filled up.
    """

    kind: Literal["tensor"] = "tensor"
    name: str
    dtype: Dtype = "float32"
    shape: tuple[int | None, ...] = ()
    description: str = ""
    pad_value: bool | int | float | str | None = None
    lengths: tuple[PositiveInt, ...] = ()
    mask_of: str | None = None
    allow_non_finite: NonFinite = False

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.pad_value is not None:
            if self.shape.count(None) != 1:
                raise ValueError("pad_value fills up one free dimension; the shape must have one, and only one")
            _check_pad_value(self.dtype, self.pad_value)
        if list(self.lengths) != sorted(set(self.lengths)) or (self.lengths and self.pad_value is None):
            raise ValueError("lengths rise, and say what a feature with a pad_value is filled up to")
        if self.mask_of is not None and (self.shape != (None,) or self.dtype == "string" or self.pad_value is not None):
            raise ValueError("a mask has the shape [any], a dtype of numbers or bool, and no pad_value")
        return self

    @property
    def row_shape(self) -> tuple[int | None, ...]:
        return self.shape


def sent_by_callers(features: Sequence["Feature"]) -> tuple["Feature", ...]:
    """Without the masks, which are made here."""
    return tuple(feature for feature in features if not isinstance(feature, TensorFeature) or feature.mask_of is None)


Feature: TypeAlias = Annotated[
    NumberFeature | CategoryFeature | TextFeature | ImageFeature | TensorFeature, Field(discriminator="kind")
]
