"""Versions to promote, and the command that promotes them."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import pytest

from serving.contract.manifest import Manifest
from serving.model_store.labels import set_label
from tests.processes import GatewayProcess, penstock
from tests.swaps import publish_again


@pytest.fixture
def pinned_models(own_models: Path) -> Path:
    """Versions 1, 2 and 3 of digits, `stable` at 1: 2 is not loaded. 4 answers otherwise than it says, 5 is broken."""
    set_label(own_models, "digits", "stable", 1, by="test", reason="hold", now=datetime.now(UTC))
    for _ in (2, 3):
        publish_again(own_models, "digits")
    publish_again(own_models, "digits", described=other_answers)
    publish_again(own_models, "digits", spoil=lambda staged: staged.saved_model.write_bytes(b"not a SavedModel"))
    return own_models


def other_answers(manifest: Manifest) -> Manifest:
    first = manifest.golden_examples[0]
    changed = first.model_copy(update={"outputs": {"probabilities": [1.0] + [0.0] * 9}})
    return manifest.model_copy(update={"golden_examples": (changed,)})


Promote: TypeAlias = Callable[..., tuple[str, str]]


@pytest.fixture
def promote(pinned_models: Path) -> Promote:
    """`penstock models promote digits VERSION` by a gateway: what it printed, and what it said of its failure."""

    def run(gateway: GatewayProcess, version: int, *more: str, code: int = 0) -> tuple[str, str]:
        place = ("--models", str(pinned_models), "--gateway", gateway.url)
        done = penstock("models", "promote", "digits", str(version), *place, *more, code=code)
        return done.stdout, done.stderr

    return run
