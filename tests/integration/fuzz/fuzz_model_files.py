"""The files of a model's folder, as anybody may have edited them: manifest, labels, traffic, history, a promotion's
lease and what a mirror has followed. The first byte picks the file.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["serving"]):
    from serving.contract.manifest import parse_manifest, render_manifest
    from serving.contract.model_directory import ModelPaths
    from serving.model_store.audit import read_audit
    from serving.model_store.candidacy import read_candidacy
    from serving.model_store.labels import parse_labels, render_labels
    from serving.model_store.object_store.following import FOLLOWED, read_followed
    from serving.model_store.traffic import parse_traffic, render_traffic
    from serving.model_store.versions import highest_version
    from tests.integration.fuzz.frame import fuzz

MODELS = Path(tempfile.mkdtemp(prefix="fuzzed-"))
PATHS = ModelPaths(MODELS / "digits")


def manifest(text: bytes) -> None:
    """One that is read is written so that it reads back the same."""
    found = parse_manifest(text)
    assert parse_manifest(render_manifest(found)) == found


def labels(text: bytes) -> None:
    found = parse_labels("labels.json", text)
    assert parse_labels("again", render_labels(found)) == found


def traffic(text: bytes) -> None:
    found = parse_traffic("traffic.json", text)
    assert parse_traffic("again", render_traffic(found)) == found


def on_disk(path: Path, read: Callable[[], object]) -> Callable[[bytes], object]:
    def target(text: bytes) -> object:
        path.write_bytes(text)
        return read()

    return target


def targets() -> tuple[Callable[[bytes], object], ...]:
    PATHS.root.mkdir(exist_ok=True)
    return (
        manifest,
        labels,
        traffic,
        on_disk(PATHS.audit, lambda: read_audit(MODELS, "digits")),
        on_disk(PATHS.candidacy, lambda: read_candidacy(PATHS)),
        on_disk(PATHS.root / FOLLOWED, lambda: read_followed(PATHS)),
        on_disk(PATHS.highest_version, lambda: highest_version(PATHS)),
    )


if __name__ == "__main__":
    TARGETS = targets()
    fuzz(lambda data: TARGETS[data[0] % len(TARGETS)](data[1:]) if data else None)
