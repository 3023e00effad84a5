"""What there is to say of the trust in a version beside its files' digests. Reads, and changes nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from serving.contract.model_directory import model_paths
from serving.contract.signing import MAX_SIGNATURE_BYTES, parse_signature
from serving.errors import IntegrityError
from serving.model_store.trust import Trust, check_signed, read_operations, refuse_links
from serving.model_store.verify import Finding, Problem


@dataclass(frozen=True, slots=True)
class Inspection:
    """`operations` counts nodes; `key_id` is the signature's own word, and checked only where keys are asked for."""

    model: str
    version: int
    operations: Mapping[str, int]
    key_id: str | None
    findings: tuple[Finding, ...]


def inspect_version(models: Path, model: str, version: int, trust: Trust) -> Inspection:
    """Operations and links that are not allowed, and a signature that is asked for and is not there, as findings."""
    paths = model_paths(models, model).version(version)
    findings: list[Finding] = []

    def tried(file: str, problem: Problem, check: Callable[[], object]) -> None:
        try:
            check()
        except IntegrityError as error:
            findings.append(Finding(model, version, file, problem, str(error)))

    operations: Mapping[str, int] = {}
    try:
        report = read_operations(paths, trust.allowed_operations)
        operations = report.operations
        if report.fault:
            findings.append(Finding(model, version, paths.saved_model.name, "not allowed", report.fault))
    except IntegrityError as error:
        findings.append(Finding(model, version, paths.saved_model.name, "unreadable", str(error)))
    tried(".", "not allowed", lambda: refuse_links(paths))
    signature = paths.signature.relative_to(paths.root).as_posix()
    if (keys := trust.keys) is not None:
        tried(signature, "untrusted", lambda: check_signed(models, model, version, keys))
    return Inspection(model, version, operations, _key_id(paths.signature), tuple(findings))


def _key_id(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return parse_signature(file.read(MAX_SIGNATURE_BYTES)).key_id
    except (OSError, IntegrityError):
        return None
