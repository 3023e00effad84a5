"""What `penstock models` prints, as text and as JSON. Pure: facts of the model store in, text out."""

import dataclasses
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from serving.contract.features import Feature
from serving.contract.manifest import Classification, Manifest
from serving.contract.tensors import shape_text
from serving.model_store.audit import AuditEntry
from serving.model_store.inspection import Inspection
from serving.model_store.summary import VersionSummary
from serving.model_store.verify import Finding

LISTED_METRICS = 2
"""A line of `penstock models list` has room for these; the manifest has the ones people read first in front."""


def versions_text(versions: Sequence[VersionSummary]) -> str:
    """A line for each version; a star marks the one that answers requests naming none."""
    if not versions:
        return "no versions are published yet\n"
    rows = [("MODEL", "VERSION", "LABELS", "PUBLISHED (UTC)", "TASK", "TEST METRICS")]
    rows += [
        (
            version.model,
            f"{version.version}{'*' if version.answers else ''}",
            ", ".join(version.labels) or "-",
            *_manifest_cells(version),
        )
        for version in versions
    ]
    return _aligned(rows) + "\n\n* answers requests that name no version\n"


def versions_json(versions: Sequence[VersionSummary]) -> str:
    return _json({"versions": [_version_facts(version) for version in versions]})


def version_text(version: VersionSummary, history: Sequence[AuditEntry]) -> str:
    """One version in full, then the model's history."""
    title = f"{version.model} version {version.version}"
    notes = [*version.labels, *(["answers requests that name no version"] if version.answers else [])]
    lines = [f"{title} ({', '.join(notes)})" if notes else title]
    if version.manifest:
        lines += _aligned([(f"  {name}", text) for name, text in _described(version.manifest)]).splitlines()
    else:
        lines.append(f"  {version.problem or 'no manifest: something other than penstock put it there'}")
    if history:
        lines += ["", f"history of {version.model} (UTC)"]
        lines += _aligned([_history_cells(entry) for entry in history]).splitlines()
    return "\n".join(lines) + "\n"


def version_json(version: VersionSummary, history: Sequence[AuditEntry]) -> str:
    manifest = version.manifest.model_dump(mode="json") if version.manifest else None
    entries = [entry.model_dump(mode="json") for entry in history]
    return _json({**_version_facts(version), "manifest": manifest, "history": entries})


def findings_text(findings: Sequence[Finding], checked: int) -> str:
    versions = f"{checked} version{'' if checked == 1 else 's'}"
    if not findings:
        return f"{versions} verified: every file is as it was published\n"
    rows = [("MODEL", "VERSION", "PROBLEM", "FILE", "DETAIL")]
    rows += [(f.model, "-" if f.version is None else str(f.version), f.problem, f.file, f.detail) for f in findings]
    return (
        f"{_aligned(rows)}\n\n{versions} verified: {len(findings)} problem{'' if len(findings) == 1 else 's'} found\n"
    )


def findings_json(findings: Sequence[Finding], checked: int, inspected: Sequence[Inspection]) -> str:
    return _json(
        {
            "versions_checked": checked,
            "findings": [dataclasses.asdict(finding) for finding in findings],
            "versions": [
                {
                    "model": each.model,
                    "version": each.version,
                    "key_id": each.key_id,
                    "operations": dict(each.operations),
                }
                for each in inspected
            ],
        }
    )


def operations_text(inspected: Sequence[Inspection]) -> str:
    """For each version the number of its nodes by operation, and who says to have signed it."""
    blocks = []
    for each in inspected:
        rows = [(f"  {name}", str(count)) for name, count in each.operations.items()]
        signed = f", signed by {each.key_id}" if each.key_id else ""
        blocks.append(f"\n{each.model} version {each.version}{signed}\n{_aligned(rows) if rows else '  no graph'}\n")
    return "".join(blocks)


def _version_facts(version: VersionSummary) -> dict[str, object]:
    manifest = version.manifest
    return {
        "model": version.model,
        "version": version.version,
        "labels": list(version.labels),
        "answers": version.answers,
        "published_at": manifest.created_at.astimezone(UTC).isoformat() if manifest else None,
        "task": manifest.task if manifest else None,
        "test_metrics": manifest.metrics.test if manifest else None,
        "problem": version.problem or None,
    }


def _manifest_cells(version: VersionSummary) -> tuple[str, str, str]:
    if not version.manifest:
        return ("-", "-", version.problem or "no manifest")
    return (_time(version.manifest.created_at), version.manifest.task, _metrics(_first(version.manifest.metrics.test)))


def _described(manifest: Manifest) -> Iterator[tuple[str, str]]:
    outputs, lineage = manifest.outputs, manifest.lineage
    if manifest.description:
        yield "description", manifest.description
    yield "published", f"{_time(manifest.created_at)} UTC"
    if isinstance(outputs, Classification):
        yield "task", f"classification as {', '.join(outputs.labels)}"
    else:
        yield "task", f"regression of {outputs.target}{f' in {outputs.unit}' if outputs.unit else ''}"
    for feature in manifest.features:
        yield "feature", _feature(feature)
    yield "on test", _metrics(manifest.metrics.test)
    yield "baseline", _metrics(manifest.metrics.baseline)
    rows = ", ".join(f"{count} {split}" for split, count in lineage.rows.items())
    yield "data", f"{lineage.source}; rows: {rows}; seed {lineage.seed}"
    yield "built with", ", ".join(f"{name} {version}" for name, version in manifest.frameworks.items())
    yield "files", f"{len(manifest.files)}, each with its sha256"


def _feature(feature: Feature) -> str:
    unit = f" in {feature.unit}" if feature.kind == "number" and feature.unit else ""
    return f"{feature.name}: {feature.kind}, {feature.dtype} {shape_text(feature.row_shape)}{unit}"


def _history_cells(entry: AuditEntry) -> tuple[str, ...]:
    what = [entry.action.replace("_", " ")]
    if entry.step:
        what.append(f"version {entry.version}: {entry.step.name} {entry.step.outcome} {entry.step.seconds:.2f} s")
        return (f"  {_time(entry.at)}", *what, entry.by, entry.step.detail)
    if entry.detail:
        what.append(entry.detail)
    elif entry.label is None:
        what.append(f"version {entry.version}")
    else:
        what.append(f"{entry.label}: {entry.previous_version or 'none'} -> {entry.version or 'none'}")
    return (f"  {_time(entry.at)}", *what, entry.by, entry.reason)


def _first(values: Mapping[str, float]) -> Mapping[str, float]:
    return dict(itertools.islice(values.items(), LISTED_METRICS))


def _metrics(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in values.items()) or "-"


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _json(facts: object) -> str:
    return json.dumps(facts, indent=2) + "\n"
