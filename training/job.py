"""What a job file may say: one frozen JobSpec, parsed from a TOML mapping.

Pure: reading files is `job_files.py`'s work. Every key here is read by something; a key that is not here is
refused, with what exists in its place.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Self

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from serving.contract.features import Fact, Feature, ImageDecoding
from serving.contract.manifest import Classification, Regression
from serving.contract.model_directory import MODEL_NAME
from serving.errors import InvalidJob
from training.augmentation_spec import AugmentationSpec
from training.data.spec import SOURCES, DataSpec, SplitSpec
from training.distribution_spec import DistributionSpec
from training.export_spec import ExportSpec, refusal
from training.feature_spec import TRAINABLE, TrainableFeature, as_contract
from training.fit_spec import BALANCED, BY_LABEL, FitSpec, fit_objection
from training.networks.spec import NETWORKS, BackboneSpec, NetworkSpec
from training.optimisation_spec import OPTIMISER_TABLES, OptimisationSpec, loss_objection
from training.publish_rules import DIRECTIONS, PublishSpec
from training.schedule_spec import SCHEDULE_TABLES
from training.search_spec import SEARCHES, SPACES, SearchSpec


class JobSpec(Fact):
    """Everything one training run is told. `model` is the name that the versions are published under.

    `keep_keras_model` keeps the Keras model in the version too, for a job that reuses it.
    """

    model: str
    description: str
    data: DataSpec
    split: SplitSpec
    features: tuple[TrainableFeature, ...] = Field(min_length=1)
    outputs: Classification | Regression = Field(discriminator="task")
    network: NetworkSpec
    optimisation: OptimisationSpec
    fit: FitSpec
    distribution: DistributionSpec = DistributionSpec()
    augmentation: AugmentationSpec | None = None
    keep_keras_model: bool = False
    publish: PublishSpec | None = None
    export: ExportSpec = ExportSpec()
    search: SearchSpec | None = None

    @model_validator(mode="after")
    def _publishes_by_a_metric_of_its_task(self) -> Self:
        known = DIRECTIONS[self.outputs.task]
        if self.publish and self.publish.metric not in known:
            raise ValueError(
                f"publish.metric: no {self.publish.metric!r} in {self.outputs.task}; there are {', '.join(known)}"
            )
        return self

    @model_validator(mode="after")
    def _can_be_done(self) -> Self:
        told = loss_objection(self.optimisation, self.outputs)
        told = told or fit_objection(self.fit, self.optimisation, self.outputs)
        told = told or refusal(self.export, self.features)
        if self.augmentation and (fault := self.augmentation.fault(self.features)):
            told = told or f"augmentation: {fault}"
        if told:
            raise ValueError(told)
        return self

    @model_validator(mode="after")
    def _folds_are_fitted_by_one_device(self) -> Self:
        if self.split.folds and self.distribution.strategy != "none":
            raise ValueError("distribution.strategy: folds are fitted by one device; leave out split.folds")
        return self

    @field_validator("model")
    @classmethod
    def _is_a_model_name(cls, name: str) -> str:
        if not MODEL_NAME.fullmatch(name):
            raise ValueError("letters, digits, '_', '-' and '.', not starting with '.' or '-'")
        return name

    @field_validator("features")
    @classmethod
    def _trainable(cls, features: tuple[TrainableFeature, ...]) -> tuple[TrainableFeature, ...]:
        names = [feature.name for feature in features]
        if len(set(names)) < len(names):
            raise ValueError(f"two features share a name: {', '.join(names)}")
        for feature in features:
            if feature.dtype not in ("float32", "string"):
                raise ValueError(f"{feature.name} is {feature.dtype}; features are trained as float32")
        return features

    @field_validator("outputs")
    @classmethod
    def _distinct_labels(cls, outputs: Classification | Regression) -> Classification | Regression:
        if isinstance(outputs, Classification) and len(set(outputs.labels)) < len(outputs.labels):
            raise ValueError(f"two labels are the same: {', '.join(outputs.labels)}")
        return outputs

    @property
    def contract_features(self) -> tuple[Feature, ...]:
        """The features as the gateway decodes them; vocabularies that are yet to be learned are empty."""
        return tuple(as_contract(feature) for feature in self.features)


TABLES: Mapping[str, type[BaseModel]] = MappingProxyType(
    {
        **SOURCES,
        "split": SplitSpec,
        **TRAINABLE,
        "decoding": ImageDecoding,
        "classification": Classification,
        "regression": Regression,
        **NETWORKS,
        "backbone": BackboneSpec,
        **OPTIMISER_TABLES,
        **SCHEDULE_TABLES,
        "fit": FitSpec,
        "distribution": DistributionSpec,
        "augmentation": AugmentationSpec,
        "publish": PublishSpec,
        "export": ExportSpec,
        **SEARCHES,
        **SPACES,
    }
)
"""A table of a job file, by the last name on the way to it, and what may stand in it."""


def parse_job(content: Mapping[str, object], file: str) -> JobSpec:
    """The job that `content` describes. Raises InvalidJob that names `file` and each faulty key."""
    try:
        return JobSpec.model_validate(content)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
        told = "; ".join(_fault(fault["loc"], fault["type"], fault["msg"], fault["input"]) for fault in faults)
        raise InvalidJob(f"{file}: {told}") from error


def _fault(location: tuple[int | str, ...], kind: str, message: str, came: object) -> str:
    if kind == "extra_forbidden":
        return f"{_key(location)}: unknown key; there are: {_keys_beside(location)}"
    if kind == "missing":
        return f"{_key(location)}: missing"
    told = message.removeprefix("Value error, ")
    if not location:  # about several tables at once: the message names the keys
        return told
    return f"{_key(location)}: {told}" + (f", got {came!r}" if isinstance(came, str | int | float) else "")


def _key(location: tuple[int | str, ...]) -> str:
    # pydantic puts a union's tag on the way; the file has no such level
    tags = {*TRAINABLE, *SOURCES, *NETWORKS, *SEARCHES, *SPACES, "classification", "regression"}
    tags |= {*OPTIMISER_TABLES, *SCHEDULE_TABLES, BALANCED, BY_LABEL}
    return ".".join(str(part) for part in location if part not in tags)


def _keys_beside(location: tuple[int | str, ...]) -> str:
    table = TABLES.get(str(location[-2]), JobSpec) if len(location) > 1 else JobSpec
    return ", ".join(table.model_fields)
