"""The manifest: everything a reader needs to know of one published version, in one file beside the SavedModel.

Pure: parses and renders; reading and writing files is the model store's work. Schema version 1.
"""

from datetime import datetime
from typing import Literal, Self

from pydantic import AwareDatetime, Field, JsonValue, PositiveInt, ValidationError, field_validator, model_validator

from serving.contract.features import Fact, Feature, TensorFeature
from serving.contract.tensors import Signature
from serving.errors import IntegrityError

SCHEMA_VERSION = 1


class Tolerance(Fact):
    """Two values agree when |a-b| <= absolute + relative*|b|."""

    absolute: float = Field(ge=0)
    relative: float = Field(ge=0)


class GoldenExample(Fact):
    """A natural input as a caller would send it, and what the Keras model answered to it when it was trained.

    `instance` is one element of a request's `instances`; `outputs` maps an output's name to its one row.
    """

    instance: JsonValue
    outputs: dict[str, JsonValue]
    tolerance: Tolerance


class Histogram(Fact):
    """A feature's values over the training split: `counts[i]` lie in [edges[i], edges[i+1]), the last bin closed."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


class Classification(Fact):
    """`labels[k]` names the class whose score is `probabilities[:, k]`."""

    task: Literal["classification"] = "classification"
    labels: tuple[str, ...] = Field(min_length=2)


class Regression(Fact):
    """`value[:, 0]` is `target` in `unit`."""

    task: Literal["regression"] = "regression"
    target: str
    unit: str = ""


class Metrics(Fact):
    """Measured on the untouched test split; `baseline` is what the simplest rule reaches there.

    `folds` has one figure a fold where the job was cross-validated, on rows that are in no test split.
    """

    test: dict[str, float]
    baseline: dict[str, float]
    folds: dict[str, tuple[float, ...]] = Field(default_factory=dict)


class Lineage(Fact):
    """Where the rows came from. `sha256` is over the arrays as the job read them, before any split."""

    source: str
    sha256: str
    rows: dict[str, int]
    seed: int


class Export(Fact):
    """How the SavedModel was made, and how near it is to the network that was trained.

    `serving_default` may be called with `allowed_batch_rows` rows (rising) and no other number; empty allows any. Its
    answers lie within `tolerance` of the float32 Keras model's, checked before publishing.
    """

    profile: Literal["cpu", "gpu"] = "cpu"
    allowed_batch_rows: tuple[PositiveInt, ...] = ()
    tolerance: Tolerance = Tolerance(absolute=1e-5, relative=1e-5)
    """The default is what every version was held to before this field was."""

    @field_validator("allowed_batch_rows")
    @classmethod
    def _rises(cls, sizes: tuple[int, ...]) -> tuple[int, ...]:
        if list(sizes) != sorted(set(sizes)):
            raise ValueError("the sizes do not rise")
        return sizes


class Manifest(Fact):
    """One published version. `files` maps every file but this one, by its path in the version, to its sha256."""

    schema_version: Literal[1] = 1
    model: str
    version: int = Field(ge=1)
    description: str = ""
    features: tuple[Feature, ...] = Field(min_length=1)
    outputs: Classification | Regression = Field(discriminator="task")
    signatures: dict[str, Signature]
    export: Export = Export()
    golden_examples: tuple[GoldenExample, ...] = ()
    sketches: dict[str, Histogram] = Field(default_factory=dict)
    metrics: Metrics
    lineage: Lineage
    job_sha256: str
    frameworks: dict[str, str]
    files: dict[str, str] = Field(default_factory=dict)
    created_at: AwareDatetime

    @model_validator(mode="after")
    def _masks_have_what_they_mask(self) -> Self:
        padded = {each.name for each in self.features if isinstance(each, TensorFeature) and each.pad_value is not None}
        for feature in self.features:
            if isinstance(feature, TensorFeature) and feature.mask_of is not None and feature.mask_of not in padded:
                raise ValueError(
                    f"feature {feature.name} masks {feature.mask_of}, which is no feature with a pad_value"
                )
        return self

    @property
    def task(self) -> Literal["classification", "regression"]:
        return self.outputs.task

    def published(self, version: int, files: dict[str, str], created_at: datetime) -> "Manifest":
        """The manifest as it stands in a version: number, file digests and moment are known only when publishing."""
        return self.model_copy(update={"version": version, "files": files, "created_at": created_at})


def parse_manifest(text: bytes) -> Manifest:
    """The manifest in `text`; raises IntegrityError that names the first wrong field."""
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = "/".join(str(part) for part in first["loc"]) or "the file"
        raise IntegrityError(f"manifest.json: {where}: {first['msg']}") from error


def render_manifest(manifest: Manifest) -> bytes:
    return manifest.model_dump_json(indent=2).encode() + b"\n"
