"""The names in a model directory: which folder is a version, where its parts lie, what a model may be called.

Pure path arithmetic; nothing here touches the disk.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from serving.errors import UnknownModel

MODEL_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
LABEL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
STABLE = "stable"
"""The label that answers requests which name neither a version nor a label."""
CANARY = "canary"
"""The label of a version on trial, which the gateway watches while it gets traffic."""

CANDIDATE = "candidate"
"""The label that a promotion gives a version while it is checked: labelled versions are loaded and kept."""

STAGING_PREFIX = ".staging-"
PRUNED_PREFIX = ".pruned-"

_VERSION = re.compile(r"[1-9][0-9]{0,17}")


def version_number(folder_name: str) -> int | None:
    """The version a folder holds: a positive integer written plainly; None for any other name, which is ignored."""
    return int(folder_name) if _VERSION.fullmatch(folder_name) else None


@dataclass(frozen=True, slots=True)
class VersionPaths:
    """The parts of one version's folder."""

    root: Path

    @property
    def saved_model(self) -> Path:
        return self.root / "saved_model.pb"

    @property
    def extra(self) -> Path:
        """TensorFlow Serving ignores this folder but for its own warm-up records in it."""
        return self.root / "assets.extra"

    @property
    def manifest(self) -> Path:
        return self.extra / "manifest.json"

    @property
    def signature(self) -> Path:
        """Of the manifest, and so of the version; none where nobody signed it."""
        return self.extra / "manifest.sig"

    @property
    def report(self) -> Path:
        """What training saw, for people: `index.html` and its pictures. Versions published by other means have none."""
        return self.extra / "report"

    @property
    def warmup_records(self) -> Path:
        return self.extra / "tf_serving_warmup_requests"


@dataclass(frozen=True, slots=True)
class ModelPaths:
    """The parts of one model's folder. Build it with `model_paths`, which checks the name."""

    root: Path

    def version(self, version: int) -> VersionPaths:
        return VersionPaths(self.root / str(version))

    @property
    def labels(self) -> Path:
        return self.root / "labels.json"

    @property
    def traffic(self) -> Path:
        return self.root / "traffic.json"

    @property
    def highest_version(self) -> Path:
        return self.root / "highest_version"

    @property
    def audit(self) -> Path:
        return self.root / "audit.jsonl"

    @property
    def lock(self) -> Path:
        """Held while a version is numbered and renamed, or a label moved, or traffic split."""
        return self.root / ".lock"

    @property
    def promoting(self) -> Path:
        """Held by the one promotion that is under way."""
        return self.root / ".promoting"

    @property
    def candidacy(self) -> Path:
        """What that promotion has put here for the time of its checks, and until when that is believed."""
        return self.root / ".candidacy.json"


def model_paths(models: Path, model: str) -> ModelPaths:
    """The folder of `model` under the model directory; a name that could lead elsewhere is UnknownModel."""
    if not MODEL_NAME.fullmatch(model):
        raise UnknownModel(
            f"{model[:128]!r} is not a model name: letters, digits, '_', '-' and '.', not starting with '.'"
        )
    return ModelPaths(models / model)
