"""Features: what a caller sends, in the caller's own terms (a number with a unit, a category, an image).

Pure data; `serving/preprocessing` turns natural values into arrays by these.
"""

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Dtype = Literal["bool", "uint8", "int32", "int64", "float16", "float32", "float64", "string"]


class Fact(BaseModel):
    """A frozen piece of a parsed file; unknown keys are refused, so that a typing error is never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class NumberFeature(Fact):
    """One number per row. `range` is inclusive; values outside are refused. `default` stands in when absent."""

    kind: Literal["number"] = "number"
    name: str
    dtype: Dtype = "float32"
    unit: str = ""
    description: str = ""
    range: tuple[float, float] | None = None
    default: float | None = None

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
    """How image bytes become pixels: converted to `mode`, resized, then `pixel * scale + offset`.

    `scale` and `offset` take 8-bit pixels (0-255) to the units the model was trained in.
    """

    mode: Literal["L", "RGB"] = "RGB"
    resample: Literal["nearest", "bilinear", "bicubic", "box", "lanczos"] = "bilinear"
    scale: float = 1.0
    offset: float = 0.0


class ImageFeature(Fact):
    """An image: PNG or JPEG bytes, or its pixels as nested lists in the model's own units.

    `shape` is `[height, width]` for a single plane or `[height, width, channels]`.
    """

    kind: Literal["image"] = "image"
    name: str
    dtype: Dtype = "float32"
    shape: tuple[int, ...] = Field(min_length=2, max_length=3)
    description: str = ""
    range: tuple[float, float] | None = None
    decoding: ImageDecoding = ImageDecoding()

    @property
    def row_shape(self) -> tuple[int | None, ...]:
        return self.shape


class TensorFeature(Fact):
    """A raw tensor of fixed or partly free shape, for models that have nothing more natural to say."""

    kind: Literal["tensor"] = "tensor"
    name: str
    dtype: Dtype = "float32"
    shape: tuple[int | None, ...] = ()
    description: str = ""

    @property
    def row_shape(self) -> tuple[int | None, ...]:
        return self.shape


Feature: TypeAlias = Annotated[
    NumberFeature | CategoryFeature | TextFeature | ImageFeature | TensorFeature, Field(discriminator="kind")
]
