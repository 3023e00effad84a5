"""What a version must pass before a label moves to it, each check a step of its own.

Asks the model store and a gateway; moves nothing but the label that has the gateway load the version.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from pydantic import JsonValue

from serving.backend_protocol import VersionState
from serving.contract.manifest import GoldenExample, Manifest
from serving.errors import (
    DeadlineExceeded,
    IntegrityError,
    ModelNotReady,
    Overloaded,
    PayloadTooLarge,
    PublishError,
    UnknownVersion,
)
from serving.model_store.verify import verify_version
from serving.model_store.versions import list_versions, read_manifest
from serving.promotion.comparison import difference
from serving.promotion.gateway_protocol import Gateway, VersionSeen
from serving.promotion.patience import Patience
from serving.promotion.steps import Found

T = TypeVar("T")

WARM_ROWS = (1, 2, 4, 8, 16, 32, 64)
"""Batch sizes tried of a version that allows any: steps that a graph may take its time for, once each."""
NO_MANIFEST = "the version has no manifest"
NO_EXAMPLES = "the manifest has no golden examples"


class AnswersExamples(Protocol):
    """Answers natural instances with a version's rows, over a gateway or in this process."""

    def __call__(self, instances: Sequence[JsonValue]) -> Sequence[JsonValue]: ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """The version that is to be promoted."""

    models: Path
    model: str
    version: int

    def manifest(self) -> Manifest | None:
        """None when the version has none. Raises IntegrityError, UnknownVersion."""
        return read_manifest(self.models, self.model, self.version)

    def examples(self) -> tuple[GoldenExample, ...]:
        manifest = self.manifest()
        return manifest.golden_examples if manifest else ()


def check_files(candidate: Candidate) -> Found:
    """Raises UnknownVersion, and IntegrityError for a file that is not as it was published."""
    versions = list_versions(candidate.models, candidate.model)
    if candidate.version not in versions:
        known = ", ".join(map(str, versions)) or "none"
        raise UnknownVersion(f"there is no version {candidate.version} of {candidate.model!r}; there are: {known}")
    findings = verify_version(candidate.models, candidate.model, candidate.version)
    if [finding.problem for finding in findings] == ["unverifiable"]:
        return Found(NO_MANIFEST, checked=False)
    if findings:
        first = findings[0]
        more = f" and {len(findings) - 1} more" if len(findings) > 1 else ""
        raise IntegrityError(
            f"{first.file} is {first.problem}: {first.detail}{more}; publish the version again "
            f"(`penstock models verify {candidate.model} {candidate.version}` lists all)"
        )
    manifest = candidate.manifest()
    return Found(f"{len(manifest.files)} files" if manifest else "")


def check_loaded(candidate: Candidate, gateway: Gateway, patience: Patience, mark: Callable[[], object]) -> Found:
    """Has the version loaded by whoever follows the labels, which `mark` sets, and waits until it is AVAILABLE.

    Raises PublishError when it cannot be loaded, or is not within the bound.
    """
    mark()
    seen: VersionSeen | None = None

    def available() -> bool:
        nonlocal seen
        seen = gateway.version(candidate.model, candidate.version)
        if seen and seen.error:
            raise PublishError(
                f"the gateway cannot load it: {seen.error}; mend what it names and publish the version again"
            )
        return seen is not None and seen.state is VersionState.AVAILABLE

    if patience.until(available, times=gateway.looks()):
        return Found()
    state = f"it is {seen.state}" if seen else "the gateway knows of no such version; does it serve this directory?"
    raise PublishError(f"not available after {patience.bound_seconds:g} s: {state} (--wait SECONDS waits longer)")


def check_sizes(candidate: Candidate, gateway: Gateway, patience: Patience) -> Found:
    """Sends a request of each batch size that the version may be called with, so that no caller is the first.

    Raises PublishError for a size that the version does not answer.
    """
    manifest, examples = candidate.manifest(), candidate.examples()
    if not examples:
        return Found(NO_EXAMPLES if manifest else NO_MANIFEST, checked=False)
    most = gateway.max_batch_rows(candidate.model, candidate.version)
    sizes = manifest.export.allowed_batch_rows if manifest else ()
    warmed, too_large = [], []
    slowest_seconds, slowest_rows = 0.0, 0
    for rows in sizes or [size for size in WARM_ROWS if size <= most]:
        instances = [examples[place % len(examples)].instance for place in range(rows)]
        started = patience.clock()
        try:
            for _ in range(gateway.looks()):
                _patiently(patience, functools.partial(gateway.predict, candidate.model, candidate.version, instances))
        except PayloadTooLarge:
            too_large.append(rows)
            continue
        warmed.append(rows)
        if (took := patience.clock() - started) > slowest_seconds:
            slowest_seconds, slowest_rows = took, rows
    detail = f"{', '.join(map(str, warmed))} rows; slowest {slowest_seconds * 1e3:.0f} ms for {slowest_rows}"
    if too_large:
        detail += f"; {', '.join(map(str, too_large))} rows are more than the gateway takes in one body"
    return Found(detail, checked=bool(warmed))


def check_examples(candidate: Candidate, answer: AnswersExamples) -> Found:
    """Raises PublishError when the version does not answer its golden examples as the manifest has them."""
    manifest, examples = candidate.manifest(), candidate.examples()
    if not examples:
        return Found(NO_EXAMPLES if manifest else NO_MANIFEST, checked=False)
    rows = answer([example.instance for example in examples])
    if len(rows) != len(examples):
        raise PublishError(f"{len(rows)} rows came for {len(examples)} golden examples")
    for number, (row, example) in enumerate(zip(rows, examples, strict=True), 1):
        if found := difference(row, example.outputs, example.tolerance):
            raise PublishError(
                f"golden example {number} of {len(examples)} is answered otherwise than when the version was trained: "
                f"{found}; the runtime that serves it and the one that trained it do not agree"
            )
    return Found(f"{len(examples)} within tolerance")


def answered_by(candidate: Candidate, gateway: Gateway, patience: Patience) -> AnswersExamples:
    """By every worker of the gateway."""

    def answer(instances: Sequence[JsonValue]) -> Sequence[JsonValue]:
        rows: Sequence[JsonValue] = ()
        for _ in range(gateway.looks()):
            rows = _patiently(patience, lambda: gateway.predict(candidate.model, candidate.version, instances)).rows
        return rows

    return answer


def _patiently(patience: Patience, ask: Callable[[], T]) -> T:
    """The answer of a gateway that is busy with others, or with a graph's first call, once it has one."""
    answers: list[T] = []
    refusals: list[str] = []

    def asked() -> bool:
        try:
            answers.append(ask())
        except (DeadlineExceeded, ModelNotReady, Overloaded) as error:
            refusals.append(str(error))
        return bool(answers)

    if not patience.until(asked):
        raise PublishError(f"no answer within {patience.bound_seconds:g} s: {refusals[-1]}")
    return answers[0]
