"""A model's history, audit.jsonl: one line for each thing that was published, labelled or pruned, and each step of a
promotion; never rewritten.
"""

import errno
import os
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import AwareDatetime, ValidationError

from serving.contract.features import Fact
from serving.contract.model_directory import ModelPaths, model_paths
from serving.errors import IntegrityError
from serving.model_store.atomic_file import sync

Action: TypeAlias = Literal[
    "published", "signed", "mirrored", "promoted", "rolled_back", "unlabelled", "pruned", "traffic", "promotion_step"
]


class PromotionStep(Fact):
    """One step of a promotion of a version, and what came of it."""

    name: str
    outcome: Literal["ok", "not checked", "failed"]
    seconds: float
    detail: str = ""


class AuditEntry(Fact):
    """`label` moved from `previous_version` to `version`, which is None when it was taken away.

    For a first roll back, `previous_version` is the one that answered for want of a label. `detail` is what `traffic`
    was set to. A `promotion_step` moves nothing and has no label.
    """

    at: AwareDatetime
    action: Action
    model: str
    version: int | None
    label: str | None = None
    previous_version: int | None = None
    by: str
    reason: str = ""
    detail: str = ""
    step: PromotionStep | None = None


def read_audit(models: Path, model: str) -> tuple[AuditEntry, ...]:
    """The entries, oldest first; none when there is no file. A last line without its end was torn, and is left out.

    Raises IntegrityError that names the first line that is not an entry.
    """
    paths = model_paths(models, model)
    try:
        lines = paths.audit.read_bytes().split(b"\n")
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise IntegrityError(f"{model}/{paths.audit.name}: cannot be read: {error.strerror}") from error
    return tuple(_parsed(f"{model}/{paths.audit.name}: line {n}", line) for n, line in enumerate(lines[:-1], 1))


def record(paths: ModelPaths, entry: AuditEntry) -> None:
    """Appends the entry, on the disk when this returns. The caller holds the model's lock. Raises OSError.

    A last line that a crash tore is cut off first: the new one would otherwise be glued to it.
    """
    line = entry.model_dump_json(exclude=None if entry.step else {"step"}).encode() + b"\n"
    before = paths.audit.read_bytes() if paths.audit.exists() else None
    whole_bytes = (before or b"").rfind(b"\n") + 1
    descriptor = os.open(paths.audit, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        os.ftruncate(descriptor, whole_bytes)
        if os.write(descriptor, line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if before is None:
        sync(paths.root)


def _parsed(where: str, line: bytes) -> AuditEntry:
    try:
        return AuditEntry.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        raise IntegrityError(f"{where}: {first['msg']}") from error
