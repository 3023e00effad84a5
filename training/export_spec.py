"""What a job file may say about the export: for which kind of processor the SavedModel is made. Pure."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, Self

from pydantic import PositiveInt, model_validator

from serving.contract.features import Fact, Feature, ImageFeature

GPU_BATCH_ROWS = (1, 4, 16, 64)
"""64 is the most that a gateway sends unless told otherwise. A batch between two sizes is filled up to the larger:
steps of four leave at most three quarters of it copies, and cost four compilations at each load (doubling: seven).
"""


class ExportSpec(Fact):
    """`cpu`: float32, any number of rows. `gpu`: 8-bit pixels in, mixed float16, compiled by XLA for `batch_rows`."""

    profile: Literal["cpu", "gpu"] = "cpu"
    batch_rows: tuple[PositiveInt, ...] = ()

    @model_validator(mode="after")
    def _has_sizes_only_where_they_are_fixed(self) -> Self:
        if self.batch_rows and self.profile != "gpu":
            raise ValueError(f"batch_rows belongs to the profile gpu; {self.profile} takes any number of rows")
        if any(before >= after for before, after in pairwise(self.batch_rows)):
            raise ValueError(f"batch_rows must rise, got {', '.join(map(str, self.batch_rows))}")
        return self

    @property
    def allowed_batch_rows(self) -> tuple[int, ...]:
        """The row counts that `serving_default` may be called with, rising; empty where any will do."""
        return (self.batch_rows or GPU_BATCH_ROWS) if self.profile == "gpu" else ()


def refusal(export: ExportSpec, features: Sequence[Feature]) -> str:
    """Why these features cannot be exported so; empty when they can."""
    if export.profile != "gpu":
        return ""
    for feature in features:
        if feature.dtype == "string":
            return (
                f"export.profile: gpu compiles the whole graph with XLA, which has no strings, and {feature.name} is"
                f" {feature.kind}; use cpu"
            )
        if isinstance(feature, ImageFeature) and feature.decoding.scale == 0:
            return f"export.profile: gpu takes 8-bit pixels, which a scale of 0 makes all the same in {feature.name}"
    return ""
