"""A promotion's steps as they are told: a line each for whoever looks on, and one in the model's history."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from serving.contract.model_directory import model_paths
from serving.model_store.audit import AuditEntry, PromotionStep, record
from serving.model_store.disk_errors import disk_errors
from serving.model_store.lock import locked


class Journal:
    """The witness of the promotion of one version. `write` takes parts of lines, a step's name before it is done."""

    def __init__(
        self,
        models: Path,
        model: str,
        version: int,
        *,
        by: str,
        now: Callable[[], datetime],
        write: Callable[[str], object],
    ) -> None:
        self._models, self._model, self._version = models, model, version
        self._by, self._now, self._write = by, now, write

    def begins(self, number: int, of: int, name: str) -> None:
        self._write(f"{number}/{of} {name} ... ")

    def ended(self, step: PromotionStep) -> None:
        """Raises PublishError when the history cannot be written."""
        detail = f"  {step.detail}" if step.detail and step.outcome != "failed" else ""
        self._write(f"{step.outcome} {step.seconds:.2f} s{detail}\n")
        paths = model_paths(self._models, self._model)
        with disk_errors(f"cannot record the promotion of {self._model!r}"), locked(paths):
            entry = AuditEntry(
                at=self._now(),
                action="promotion_step",
                model=self._model,
                version=self._version,
                by=self._by,
                step=step,
            )
            record(paths, entry)
