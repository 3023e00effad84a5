"""How requests that name no version are spread over a model's labels: one file per model, replaced at once.

Beside the labels and under the same lock. The change is written before its line in the history, as with labels.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field, PositiveInt, StringConstraints, ValidationError, field_validator

from serving.contract.features import Fact
from serving.contract.model_directory import CANARY, LABEL_NAME, ModelPaths, model_paths
from serving.errors import IntegrityError, PublishError
from serving.model_store.atomic_file import write_atomically
from serving.model_store.audit import AuditEntry, record
from serving.model_store.disk_errors import disk_errors
from serving.model_store.labels import LabelMove, carry_out, read_labels
from serving.model_store.lock import locked

Label = Annotated[str, StringConstraints(pattern=f"^(?:{LABEL_NAME.pattern})$")]
StickyName = Annotated[str, StringConstraints(to_lower=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
"""What is a header of HTTP and a metadata key of gRPC; kept in lower case, as both send it."""


class Shadow(Fact):
    """`fraction` of the answered requests are sent again to the version behind `label`; no caller sees its answers."""

    label: Label
    fraction: float = Field(gt=0, le=1)


class Traffic(Fact):
    """`split` is the weight of each label among requests that name neither version nor label; empty: no split.

    `sticky_by` names the request header or metadata key whose value keeps its bearer at one label. `counted`: each
    version's figures are kept though nothing is split or mirrored, which a promotion asks for that watches.
    """

    split: dict[Label, PositiveInt] = Field(default_factory=dict)
    sticky_by: StickyName | None = None
    shadow: Shadow | None = None
    counted: bool = False

    @field_validator("split")
    @classmethod
    def _in_order(cls, split: dict[str, int]) -> dict[str, int]:
        return dict(sorted(split.items()))

    def labels(self) -> tuple[str, ...]:
        """Every label it speaks of."""
        return tuple(dict.fromkeys([*self.split, *([self.shadow.label] if self.shadow else [])]))


NO_TRAFFIC = Traffic()


def make_traffic(
    split: Mapping[str, int], sticky_by: str | None = None, shadow: tuple[str, float] | None = None
) -> Traffic:
    """Traffic as a person says it, `shadow` a label and a fraction. Raises PublishError that says what is wrong."""
    mirrored = None if shadow is None else {"label": shadow[0], "fraction": shadow[1]}
    try:
        return Traffic.model_validate({"split": dict(split), "sticky_by": sticky_by, "shadow": mirrored})
    except ValidationError as error:
        raise PublishError(f"traffic: {_first_fault(error)}") from error


def read_traffic(models: Path, model: str) -> Traffic:
    """NO_TRAFFIC when the model has no such file. IntegrityError when the file is damaged."""
    path = model_paths(models, model).traffic
    name = f"{model}/{path.name}"
    try:
        return parse_traffic(name, path.read_bytes())
    except FileNotFoundError:
        return NO_TRAFFIC
    except OSError as error:
        raise IntegrityError(f"{name}: cannot be read: {error.strerror}") from error


def parse_traffic(name: str, text: bytes) -> Traffic:
    """The traffic in `text`; raises IntegrityError that begins with `name`."""
    try:
        return Traffic.model_validate_json(text)
    except ValidationError as error:
        raise IntegrityError(f"{name}: {_first_fault(error)}") from error


def set_traffic(models: Path, model: str, traffic: Traffic, *, by: str, reason: str, now: datetime) -> Traffic:
    """Puts `traffic` in place of what was, which is returned; when nothing is new, nothing is written.

    Raises PublishError for a label that neither the model has nor the traffic before spoke of, UnknownModel,
    IntegrityError. A damaged file is written over: its content is nothing that anybody goes by.
    """
    paths = model_paths(models, model)
    with disk_errors(f"cannot set the traffic of {model!r}"), locked(paths):
        labels = read_labels(models, model)
        try:
            before = read_traffic(models, model)
        except IntegrityError:
            before = None
        spoken_of = {*labels, *(before.labels() if before else ())}  # a label may have been taken away meanwhile
        if strangers := [label for label in traffic.labels() if label not in spoken_of]:
            known = ", ".join(labels) or "none"
            raise PublishError(f"{model!r} has no label {strangers[0]!r}; it has: {known}")
        if before != traffic:
            _write(paths, traffic, by=by, reason=reason, now=now)
    return before or NO_TRAFFIC


def retire_canary(
    models: Path, model: str, version: int, *, by: str, reason: str, now: datetime, label: str = CANARY
) -> bool:
    """Clears the traffic and takes `label` from `version`; False, and nothing is done, where it points elsewhere.

    So that of several gateways that find the same canary bad, one writes. Raises PublishError, UnknownModel,
    IntegrityError.
    """
    paths = model_paths(models, model)
    with disk_errors(f"cannot take {label!r} of {model!r} out of traffic"), locked(paths):
        labels = read_labels(models, model)
        if labels.get(label) != version:
            return False
        if paths.traffic.exists():  # before the label: at no moment does a share stand for a label that is gone
            write_atomically(paths.traffic, render_traffic(NO_TRAFFIC))
        move = LabelMove(label, None, version)
        carry_out(move, paths, labels, action="rolled_back", by=by, reason=reason, now=now)
    return True


def traffic_text(traffic: Traffic) -> str:
    """As `penstock models traffic` takes it, or "none"."""
    said = [f"{label}={weight}" for label, weight in traffic.split.items()]
    if traffic.sticky_by:
        said.append(f"--sticky-by {traffic.sticky_by}")
    if traffic.shadow:
        said.append(f"--shadow {traffic.shadow.label}={traffic.shadow.fraction:g}")
    return " ".join(said) or "none"


def _write(paths: ModelPaths, traffic: Traffic, *, by: str, reason: str, now: datetime) -> None:
    write_atomically(paths.traffic, render_traffic(traffic))
    detail = traffic_text(traffic)
    entry = AuditEntry(
        at=now, action="traffic", model=paths.root.name, version=None, by=by, reason=reason, detail=detail
    )
    with disk_errors(f"the traffic is set, but its line in {paths.audit.name} could not be written"):
        record(paths, entry)


def render_traffic(traffic: Traffic) -> bytes:
    return json.dumps(traffic.model_dump(mode="json"), indent=2).encode() + b"\n"


def _first_fault(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}" if place else first["msg"]
